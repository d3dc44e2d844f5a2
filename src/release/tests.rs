//! Records that real Helm 4.2.4 wrote (`tests/data/records`), and damaged ones.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::json;

use super::record::HookEvent;
use super::{ApplyMethod, Error, Release, Status, Summary, codec, history};

const V1: &[u8] = include_bytes!("../../tests/data/records/web.v1");
const V4: &[u8] = include_bytes!("../../tests/data/records/web.v4");
const V6: &[u8] = include_bytes!("../../tests/data/records/web.v6");
const V7: &[u8] = include_bytes!("../../tests/data/records/web.v7");

fn decode(data: &[u8]) -> Release {
    codec::decode("web", data).unwrap()
}

fn gunzip(data: &[u8]) -> String {
    let mut json = String::new();
    let bytes = STANDARD.decode(data).unwrap();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut json).unwrap();
    json
}

fn gzip(json: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(json).unwrap();
    STANDARD.encode(encoder.finish().unwrap()).into_bytes()
}

#[track_caller]
fn check_round_trip(json: &str, expected: &str) {
    let release = decode(&gzip(json.as_bytes()));
    assert_eq!(gunzip(&codec::encode(&release).unwrap()), expected);
}

#[track_caller]
fn check_corrupt(data: &[u8], expected: &str) {
    let of = |error: Error| match error {
        Error::Corrupt { record, message } => (record, message),
        other => panic!("{other:?}"),
    };
    let (record, message) = of(codec::decode("sh.helm.release.v1.web.v1", data).unwrap_err());
    assert_eq!(record, "sh.helm.release.v1.web.v1");
    assert!(message.contains(expected), "{message}");
    let (_, summary) = of(codec::decode_summary("sh.helm.release.v1.web.v1", data).unwrap_err());
    assert!(summary.contains(expected), "{summary}");
}

#[test]
fn what_helm_wrote_is_written_back_byte_for_byte() {
    for data in [V1, V4, V6, V7] {
        check_round_trip(&gunzip(data), &gunzip(data));
    }
}

#[test]
fn a_record_of_helm_is_read() {
    let release = decode(V1);
    assert_eq!((release.name.as_str(), release.revision), ("web", 1));
    assert_eq!(release.namespace, "default");
    assert_eq!(release.apply_method, Some(ApplyMethod::ServerSide));
    assert_eq!(release.info.status, Status::Superseded);
    let deployed = release.info.first_deployed.as_deref();
    assert_eq!(deployed, Some("2026-11-21T01:23:29.879524018Z"));
    assert_eq!(release.info.deleted, None);
    let notes = "Thanks for <installing> web & friends.\n";
    assert_eq!(release.info.notes, notes);
    assert_eq!(release.config["limits"]["cpu"], json!(0.1));
    let hook = &release.hooks[0];
    assert_eq!((hook.name.as_str(), hook.weight), ("web-pre", -5));
    assert_eq!(hook.events[2], HookEvent::PreRollback);
    assert_eq!(hook.last_run.phase, "Succeeded");
    assert_eq!(release.hooks[1].last_run.started_at, None);
}

#[test]
fn parts_of_the_chart_are_decoded() {
    let chart = decode(V1).chart;
    let metadata = chart.metadata();
    assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("web", "1.2.3"));
    assert_eq!(metadata.app_version, "2.0 <beta> & co");
    assert_eq!(metadata.dependencies[0].condition, "db.enabled");
    assert_eq!(chart.values()["replicas"], json!(2));
    let names: Vec<_> = chart.templates().into_iter().map(|file| file.0).collect();
    let templates = ["NOTES.txt", "broken.yaml", "cm.yaml", "hook.yaml"];
    assert_eq!(names, templates.map(|name| format!("templates/{name}")));
    assert_eq!(chart.files(), [("README.md".to_owned(), "# web\n".to_owned())]);
}

#[test]
fn a_summary_agrees_with_the_whole() {
    for data in [V1, V4, V6, V7] {
        let summary = codec::decode_summary("web", data).unwrap();
        assert_eq!(summary, Summary::of(&decode(data)));
        let peeked = codec::peek_summary("web", data, &summary.namespace, summary.revision).unwrap();
        assert_eq!(peeked, summary);
    }
}

/// Helm's own order of fields, and others that only the whole can answer.
#[test]
fn a_look_at_the_beginning_suffices() {
    let peek = |json: &str| codec::peek_summary("web", &gzip(json.as_bytes()), "shop", 7);
    let cut =
        r#"{"name":"web","info":{"status":"failed"},"chart":{"metadata":{"name":"c","version":"1"},"templates":[{"#;
    let summary = peek(cut).unwrap();
    assert_eq!((summary.name.as_str(), summary.chart_name.as_str()), ("web", "c"));
    assert_eq!((summary.namespace.as_str(), summary.revision), ("shop", 7));
    let turned = peek(r#"{"chart":{"metadata":null},"info":{"status":"failed"},"name":"web","version":3}"#);
    assert_eq!(turned.unwrap().revision, 3);
    assert_eq!(peek(r#"{"version":3,"name":"web"}"#).unwrap().revision, 3);
    assert!(peek(r#"{"name":"web","info":{"status":"#).is_err());
    assert!(codec::peek_summary("web", b"%", "shop", 7).is_err());
}

/// Expected values are what `helm get values --all -o json` printed.
#[test]
fn computed_values_are_helms() {
    let check = |data, printed: &str| {
        let expected: serde_json::Value = serde_json::from_str(printed).unwrap();
        assert_eq!(json!(decode(data).computed_values()), expected);
    };
    check(V1, include_str!("../../tests/data/records/web.v1.values.json"));
    check(V6, include_str!("../../tests/data/records/web.v6.values.json"));
}

/// Helm 3 wrote empty times; Helm 4 leaves them out when it writes the record again.
#[test]
fn empty_times_are_absent() {
    check_round_trip(
        r#"{"name":"a","info":{"first_deployed":"2021-01-02T03:04:05.5+02:00","last_deployed":"","deleted":"0001-01-01T00:00:00Z","status":"deployed"},"hooks":[{"name":"h","last_run":{"started_at":"","completed_at":"","phase":""}}],"version":1}"#,
        r#"{"name":"a","info":{"first_deployed":"2021-01-02T03:04:05.5+02:00","status":"deployed"},"hooks":[{"name":"h","last_run":{"phase":""}}],"version":1}"#,
    );
}

#[test]
fn unknown_fields_survive() {
    let json = r#"{"name":"a","info":{"status":"on-fire","resources":{"v1/Pod":[{"a":1}]}},"chart":{"later":[1.50,{}]},"hooks":[{"last_run":{"phase":"Failed","exit":3},"new":[]}],"version":2,"apply_method":"csa","sequence":{"b":1e+30}}"#;
    check_round_trip(json, json);
}

#[test]
fn null_is_absent() {
    check_round_trip(
        r#"{"name":"a","info":{"status":null,"notes":null},"chart":null,"config":null,"manifest":null,"hooks":null,"apply_method":null}"#,
        r#"{"name":"a","info":{"status":"unknown"}}"#,
    );
}

#[test]
fn records_from_before_gzip_are_read() {
    let data = STANDARD.encode(r#"{"name":"old","version":3}"#);
    let release = codec::decode("old", data.as_bytes()).unwrap();
    assert_eq!((release.name.as_str(), release.revision), ("old", 3));
}

#[test]
fn text_that_is_not_utf8_is_replaced_as_in_go() {
    let data = gzip(b"{\"name\":\"a\",\"manifest\":\"x\xffy\",\"chart\":{\"v\":\"\xff\"}}");
    let release = decode(&data);
    assert_eq!(release.manifest, "x\u{fffd}y");
    assert_eq!(release.chart.raw(), Some("{\"v\":\"\u{fffd}\"}"));
}

#[test]
fn line_ends_in_base64_are_skipped() {
    let mut data = V1.to_vec();
    data.insert(100, b'\n');
    data.push(b'\n');
    assert_eq!(decode(&data).name, "web");
}

#[test]
fn damaged_records_are_refused() {
    check_corrupt(b"%%%", "not base64");
    check_corrupt(&V1[..V1.len() / 2 / 4 * 4], "gzip is damaged or cut off");
    check_corrupt(&V1[..V1.len() - 3], "not base64");
    check_corrupt(b"", "not a Helm release");
    check_corrupt(&gzip(b"[]"), "not a Helm release");
    check_corrupt(&gzip(br#"{"hello":1}"#), "it has no name");
    check_corrupt(&gzip(br#"{"name":"a","version":-1}"#), "not a Helm release");
    check_corrupt(&gzip(br#"{"name":"a","#), "EOF while parsing");
}

#[test]
fn revisions_that_failed_are_not_good() {
    let good = |data: &[u8]| {
        let info = decode(data).info;
        history::was_deployed(&info.status, &info.description)
    };
    assert!(good(V1));
    assert!(good(V4));
    assert!(!good(V6), "superseded, but its upgrade failed");
    assert!(!good(V7), "uninstalled");
}
