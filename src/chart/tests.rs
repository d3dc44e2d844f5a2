use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::*;
use archive::Budget;
use ignore::Rules;

/// The cases of a table, whose first line says what made it.
fn table(text: &str) -> Vec<Value> {
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn archives_are_read_as_helm_reads_them() {
    let mut wrong = Vec::new();
    for case in table(include_str!("tests/archives.jsonl")) {
        let bytes = STANDARD.decode(case["archive"].as_str().unwrap()).unwrap();
        let answer = match archive::read(&bytes, &mut Budget::default()) {
            Ok(files) => {
                let facts = |file: &File| {
                    let time = file.modified.unwrap().as_nanosecond();
                    let (seconds, nanoseconds) = (time.div_euclid(1_000_000_000), time.rem_euclid(1_000_000_000));
                    json!([file.name, file.data.len(), seconds as i64, nanoseconds as i64])
                };
                json!({"files": files.iter().map(facts).collect::<Vec<_>>()})
            }
            Err(error) => json!({"error": error.message}),
        };
        let expected = match case.get("error") {
            Some(error) => json!({"error": error}),
            None => json!({"files": case["files"]}),
        };
        if answer != expected {
            wrong.push(format!("{}: {answer} instead of {expected}", case["what"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_ignore_what_helm_ignores() {
    let paths = [
        "a",
        "b",
        "ab",
        "a/b",
        "a/b/c",
        "x.y",
        "a/x.y",
        ".a",
        "templates/.x",
        "templates/a",
        "ä",
        "a/",
        "b/",
        "a/b/",
        "-",
        "]",
        "!",
        "#",
        "ac",
        "[",
        "\\",
        "a b",
        "templates/a/.x",
        "aä",
        "xäy",
    ];
    let mut wrong = Vec::new();
    for case in table(include_str!("tests/ignore.jsonl")) {
        let answer = match Rules::parse(case["rules"].as_str().unwrap()) {
            Ok(rules) => {
                let ignored = |path: &&&str| rules.ignore(path.strip_suffix('/').unwrap_or(path), path.ends_with('/'));
                json!({"ignored": paths.iter().filter(ignored).collect::<Vec<_>>()})
            }
            Err(error) => json!({"error": error.message}),
        };
        let expected = match case.get("error") {
            Some(error) => json!({"error": error}),
            None => json!({"ignored": case["ignored"]}),
        };
        if answer != expected {
            wrong.push(format!("{}: {answer} instead of {expected}", case["rules"]));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn records_hold_charts_as_helm_writes_them() {
    for case in table(include_str!("tests/record.jsonl")) {
        let archive = STANDARD.decode(case["archive"].as_str().unwrap()).unwrap();
        let chart = Chart::from_archive(&archive).unwrap();
        let record = chart.to_record().unwrap();
        assert_eq!(String::from_utf8(record.clone()).unwrap(), case["record"].as_str().unwrap());
        let back = Chart::from_record(&record).unwrap();
        assert_eq!(back.metadata, chart.metadata);
        assert_eq!(
            (back.lock, back.values, back.schema),
            (chart.lock, chart.values, chart.schema.map(|file| File { name: String::new(), ..file }))
        );
        assert_eq!((back.templates, back.files, back.modified), (chart.templates, chart.files, chart.modified));
    }
}

/// A tar of these files, in a gzip.
fn archive(files: &[(&str, Bytes)]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for (name, data) in files {
        tar::write(&mut gzip, &File { name: (*name).to_owned(), data: data.clone(), modified: None }).unwrap();
    }
    std::io::Write::write_all(&mut gzip, &tar::END).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn all_files_together_have_a_limit() {
    let data = Bytes::from(vec![b'x'; archive::MAX_FILE_SIZE as usize]);
    let file = File { name: "a/x".to_owned(), data, modified: None };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    tar::write(&mut gzip, &file).unwrap();
    // Helm 4.2.4 refuses the very last byte, too.
    let twenty = gzip.finish().unwrap().repeat(20);
    let error = archive::read(&twenty, &mut Budget::default()).unwrap_err();
    assert_eq!(error.message, "decompressed chart is larger than the maximum size 104857600");
}

/// An archive in an archive in an archive, and one with more than all may hold together.
#[test]
fn archives_in_archives_have_a_limit() {
    let chart = Bytes::from_static(b"apiVersion: v2\nname: a\nversion: 1.0.0\n");
    let mut inner = archive(&[("a/Chart.yaml", chart.clone())]);
    for _ in 0..70 {
        inner = archive(&[("a/Chart.yaml", chart.clone()), ("a/charts/a.tgz", inner.into())]);
    }
    let error = Chart::from_archive(&inner).unwrap_err();
    assert!(error.message.ends_with("charts nest deeper than 64"), "{error}");
    let sub_chart = Bytes::from(archive(&[("a/Chart.yaml", chart.clone())]));
    let outer =
        archive(&[("a/Chart.yaml", chart), ("a/charts/1.tgz", sub_chart.clone()), ("a/charts/2.tgz", sub_chart)]);
    let load = |bytes| {
        let mut budget = Budget(bytes);
        archive::read(&outer, &mut budget).and_then(|files| Chart::from_files(files, &mut budget, 0))
    };
    assert!(load(10_000).is_ok());
    assert!(load(6_000).unwrap_err().message.contains("larger than the maximum size"));
}

#[test]
fn what_is_packaged_reads_the_same_and_twice_the_same() {
    for case in table(include_str!("tests/record.jsonl")) {
        let chart = Chart::from_archive(&STANDARD.decode(case["archive"].as_str().unwrap()).unwrap()).unwrap();
        let packaged = chart.archive().unwrap();
        assert_eq!(packaged, chart.archive().unwrap());
        let again = Chart::from_archive(&packaged).unwrap();
        assert_eq!(again.to_record().unwrap(), chart.to_record().unwrap());
        assert_eq!(again.archive().unwrap(), packaged);
        let names = |chart: &Chart| chart.dependencies.iter().map(|chart| chart.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&again), names(&chart));
    }
}

#[test]
fn names_that_do_not_fit_a_header_are_kept() {
    let long = format!("a/{}end", "long/".repeat(60));
    for name in
        [long.as_str(), "a/\u{fc}n\u{ef}code", &format!("a/{}", "n".repeat(120)), &format!("a/{}/x", "p".repeat(97))]
    {
        let files = archive::read(&archive(&[(name, Bytes::from_static(b"1"))]), &mut Budget::default()).unwrap();
        assert_eq!(format!("a/{}", files[0].name), name);
    }
}

#[test]
fn paths_are_cleaned_as_go_cleans_them() {
    for (path, clean) in [
        ("", "."),
        ("a//b", "a/b"),
        ("a/./b/", "a/b"),
        ("a/..", "."),
        ("../a", "../a"),
        ("a/../../b", "../b"),
        ("/", "/"),
        ("/..", "/"),
        ("/a/../b", "/b"),
        ("./", "."),
        ("//a", "/a"),
        ("../..", "../.."),
    ] {
        assert_eq!(crate::template::clean_path(path), clean, "{path:?}");
    }
}
