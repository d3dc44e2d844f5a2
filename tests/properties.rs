//! What must hold for any input: nothing panics, nothing hangs, what is written reads back as it was.

use std::{
    fmt::Write as _,
    io::Write as _,
    time::{Duration, Instant},
};

use pilothouse::{
    chart::{Chart, File},
    template::{Context, Env, Options, Templates, Value},
    values::{JsonPath, Reading, Values, set},
    yaml,
};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::select,
};
use serde_json::{Value as Json, json};

/// Far more than any case needs, however busy the machine is.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Runs a case and fails where it takes too long.
fn timed<T>(case: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let outcome = case();
    assert!(start.elapsed() < TIMEOUT, "took {:?}", start.elapsed());
    outcome
}

/// Texts of these pieces in any order, with a few characters of any kind.
fn pieces(pieces: &'static [&'static str], count: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![20 => select(pieces).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    vec(piece, 0..count).prop_map(|pieces| pieces.concat())
}

/// Any JSON value, with texts that YAML has other meanings for.
fn value() -> impl Strategy<Value = Json> {
    const TEXTS: &[&str] = &[
        "",
        " ",
        "~",
        "null",
        "yes",
        "No",
        "0x1f",
        "1_000",
        "1e3",
        ".5",
        "0o7",
        "010",
        "1:30",
        "2020-01-01",
        "=",
        "- a",
        "a: b",
        "#",
        "a #b",
        "'",
        "\"",
        "\\",
        "|",
        ">",
        "%",
        "@",
        "`",
        "{",
        "}",
        "[",
        "!a",
        "&a",
        "*a",
        "?",
        "---",
        "...",
        " a",
        "a ",
        "a\n",
        "\na",
        "a\n\n",
        "a\n b",
        "\t",
        "a\tb",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{0}",
        "\u{7f}",
        "é",
        "😀",
        "a long text of more than eighty characters, which the writer may want to fold somewhere in between",
    ];
    // Go writes `<<` without quotes, and so cannot read it again where it is a key.
    let text = prop_oneof![select(TEXTS).prop_map(str::to_owned), pieces(TEXTS, 4), any::<String>()].boxed();
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_filter("JSON has no others", |float| float.is_finite()).prop_map(Json::from),
        text.clone().prop_map(Json::from),
    ];
    scalar.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Json::from),
            btree_map(text.clone(), inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

const JSON_PATH: &[&str] = &[
    "{", "}", "[", "]", "[?(", ")]", "..", ".", "a", "b", "@", "$", "*", ":", ",", "-", "1", "0", "==", "<", "'", "\"",
    "\\", "range ", "end", "true", " ",
];

const YAML: &[&str] = &[
    "\n",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "  ",
    "\t",
    "a",
    "b",
    "key",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    ", ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "!!str ",
    "!!int ",
    "! ",
    "!<x> ",
    "|",
    ">",
    "|-\n",
    ">+2\n",
    "'",
    "\"",
    "\\",
    "\\x41",
    "#",
    " # c",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "%TAG ! x\n",
    "<<: ",
    "1",
    "0x1",
    "1e3",
    ".inf",
    "~",
    "null",
    "yes",
    "2020-01-01",
    "\r\n",
    "\u{feff}",
    "\u{85}",
    "é",
    "@",
    "`",
];

const ACTIONS: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{ ",
    " }}",
    "{{ end }}",
    "{{ else }}",
    "{{ if ",
    "{{ with ",
    "{{ range ",
    "{{ define \"d\" }}",
    "{{ template \"d\" ",
    "{{ block \"e\" . }}",
    "{{ include \"d\" . ",
    "{{ break }}",
    "{{ continue }}",
    "{{/* c */}}",
    "text\n",
    " ",
    " | ",
    "(",
    ")",
    ".",
    ".a",
    ".b.c",
    ".list",
    "$",
    "$x",
    " := ",
    " = ",
    ", ",
    "\"s\"",
    "`r`",
    "'c'",
    "1",
    "-2",
    "1.5",
    "0x1f",
    "1i",
    "true",
    "nil",
    "print ",
    "printf \"%v %d\" ",
    "len ",
    "index ",
    "slice ",
    "eq ",
    "lt ",
    "and ",
    "or ",
    "not ",
    "call ",
    "html ",
    "toYaml ",
    "fromYaml ",
    "toJson ",
    "tpl ",
    "quote ",
    "list ",
    "dict ",
    "until ",
    "default ",
    "trunc ",
    "substr ",
    "repeat 3 ",
    "indent ",
    "nindent ",
    "split ",
    "splitList ",
    "join ",
    "regexMatch ",
    "regexReplaceAll ",
    "semver ",
    "semverCompare ",
    "date ",
    "now",
    "toDate ",
    "duration ",
    "int ",
    "add ",
    "div ",
    "mod ",
    "round ",
    "first ",
    "rest ",
    "chunk ",
    "without ",
    "merge ",
    "get ",
    "dig ",
    "pluck ",
    "b64dec ",
    "urlParse ",
    "wrap ",
    "plural ",
    "abbrev ",
    "trimSuffix ",
    "initial ",
    "seq ",
    "sortAlpha ",
    "kindOf ",
];

/// A world that stops a rendering after a while.
struct World(Instant);

impl Env for World {
    fn now(&self) -> i128 {
        1_795_223_812_584_892_786
    }
    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
    fn is_cancelled(&self) -> bool {
        self.0.elapsed() > TIMEOUT / 2
    }
}

/// What a template makes of a few values, or why it does not.
fn render(template: &str) -> Result<String, String> {
    let mut templates = Templates::new();
    templates.add(&[("c/t".into(), template.to_owned().into())]).map_err(|error| error.helm_message())?;
    let data = json!({ "a": "text", "b": { "c": [1, null, "x"] }, "list": ["b", "a"], "n": 3, "empty": {} });
    let world = World(Instant::now());
    let output = Context::new(&templates, Options::default(), &world).execute("c/t", Value::from_json(&data));
    output.map(|text| String::from_utf8_lossy(&text).into_owned()).map_err(|error| error.helm_message())
}

/// Templates that parse, by construction: blocks in blocks.
fn blocks() -> impl Strategy<Value = String> {
    const VALUES: &[&str] =
        &[".", ".a", ".b", ".b.c", ".list", ".n", "$", "1", "\"s\"", "nil", "(list 1 2)", "(dict \"k\" .)"];
    const PIPES: &[&str] = &[
        "",
        " | quote",
        " | toYaml",
        " | toJson",
        " | len",
        " | default 1",
        " | kindOf",
        " | toString",
        " | print",
        " | upper",
        " | int",
        " | first",
        " | keys",
        " | uniq",
        " | trunc 2",
        " | nindent 2",
        " | fromYaml",
        " | until",
        " | date \"2006\"",
        " | b64enc",
    ];
    let value = (select(VALUES), select(PIPES)).prop_map(|(value, pipe)| format!("{value}{pipe}"));
    let leaf = prop_oneof![
        value.clone().prop_map(|value| format!("{{{{ {value} }}}}")),
        value.clone().prop_map(|value| format!("{{{{- $v := {value} -}}}}{{{{ $v }}}}")),
        Just("text\n".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let inner = vec(inner, 0..3).prop_map(|parts| parts.concat());
        (select(&["if", "with", "range", "range $i, $e :="][..]), value.clone(), inner.clone(), inner).prop_map(
            |(kind, value, body, other)| format!("{{{{ {kind} {value} }}}}{body}{{{{ else }}}}{other}{{{{ end }}}}"),
        )
    })
}

const SETS: &[&str] = &[
    "a",
    "b",
    "key",
    ".",
    "=",
    "=",
    ",",
    "[0]",
    "[",
    "]",
    "[3]",
    "[-1]",
    "[70000]",
    "{",
    "}",
    "{x,y}",
    "\\",
    "\\.",
    "\\,",
    "null",
    "true",
    "1",
    "01",
    "99999999999999999999",
    "é",
    " ",
    "\"",
    "{\"j\":1}",
    "[1,2]",
    "\n",
];

fn chart() -> impl Strategy<Value = Chart> {
    let name = select(
        &["templates/a.yaml", "templates/b/c.tpl", "README.md", "crds/x.yaml", "files/ü.bin", "files/deep/er/x"][..],
    );
    btree_map(name, vec(any::<u8>(), 0..600), 0..5).prop_map(|files| {
        let yaml = "apiVersion: v2\nname: c\nversion: 1.2.3\n";
        let mut raw = vec![("Chart.yaml", yaml.as_bytes().to_vec()), ("values.yaml", b"a: 1\n".to_vec())];
        raw.extend(files);
        // What has no time of its own gets the present in an archive.
        let modified = jiff::Timestamp::from_second(1_700_000_000).ok();
        let file =
            |(name, data): &(&str, Vec<u8>)| File { name: (*name).to_owned(), data: data.clone().into(), modified };
        let files: Vec<File> = raw.iter().map(file).collect();
        let mut chart = Chart { raw: files.clone(), modified, ..Chart::default() };
        chart.metadata = pilothouse::chart::Metadata::from_yaml(yaml.as_bytes()).expect("metadata");
        chart.templates = files.iter().filter(|file| file.name.starts_with("templates/")).cloned().collect();
        let is_other = |file: &&File| {
            !file.name.starts_with("templates/") && !file.name.ends_with(".yaml") || file.name.starts_with("crds/")
        };
        chart.files = files.iter().filter(is_other).cloned().collect();
        chart
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut out).expect("an archive of ours");
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_yaml_or_an_error(text in pieces(YAML, 40)) {
        let short = timed(|| yaml::from_str(&text));
        let long = yaml::from_str_with_duplicates(&text).map(|(value, _)| value);
        // Both ways of reading agree.
        prop_assert_eq!(short.clone().ok(), long.ok());
        // A merge key that is no merge cannot be written, by Go neither.
        if let Ok(value) = short && !text.contains("<<") {
            prop_assert_eq!(yaml::from_str(&yaml::to_string(&value)).ok(), Some(value));
        }
        let _ = yaml::positions(&text);
    }

    #[test]
    fn any_text_is_styled_yaml_or_an_error(text in pieces(YAML, 40)) {
        if let Ok(Some(document)) = timed(|| yaml::styled::read(&text)) {
            timed(|| yaml::styled::write(&[document]));
        }
    }

    #[test]
    fn any_text_is_a_json_path_or_an_error(text in pieces(JSON_PATH, 20)) {
        if let Ok(path) = timed(|| JsonPath::parse(&text)) {
            let data = serde_json::json!({"a": [{"b": 1.0}, "x"], "b": {"a": null}});
            let _ = timed(|| path.execute(&data));
        }
    }

    #[test]
    fn yaml_reads_back_as_it_was_written(value in value()) {
        let text = timed(|| yaml::to_string(&value));
        // Go writes a float that is whole as a whole number.
        let again = yaml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(yaml::to_string(&again), text);
    }

    #[test]
    fn any_text_is_a_template_or_an_error(text in pieces(ACTIONS, 30)) {
        let _ = timed(|| render(&text));
    }

    #[test]
    fn any_action_is_evaluated_or_an_error(actions in vec(pieces(ACTIONS, 8), 1..4)) {
        let mut text = String::new();
        for action in actions {
            write!(text, "{{{{ {} }}}}", action.replace(['{', '}'], ""))?;
        }
        let _ = timed(|| render(&text));
    }

    #[test]
    fn blocks_parse_and_render_the_same_each_time(text in blocks()) {
        let once = timed(|| render(&text));
        if let Err(message) = &once {
            prop_assert!(!message.starts_with("parse error"), "{}", message);
        }
        prop_assert_eq!(once, render(&text));
    }

    #[test]
    fn any_text_is_a_set_or_an_error(text in pieces(SETS, 20)) {
        for mut reading in [Reading::Typed, Reading::Text, Reading::Json, Reading::Literal] {
            let _ = timed(|| set(&text, &mut reading, &mut Values::new()));
        }
        let mut read = |path: &str| Ok(path.to_owned());
        let _ = timed(|| set(&text, &mut Reading::File(&mut read), &mut Values::new()));
    }

    #[test]
    fn what_is_set_is_there(path in vec("[a-z]{1,5}", 1..6), text in "[ -~]{0,20}") {
        let escaped: String = text.chars().flat_map(|c| (!c.is_alphanumeric()).then_some('\\').into_iter().chain([c])).collect();
        let mut values = Values::new();
        set(&format!("{}={escaped}", path.join(".")), &mut Reading::Text, &mut values).map_err(TestCaseError::fail)?;
        let pointer = format!("/{}", path.join("/"));
        let values = Json::from(values);
        prop_assert_eq!(values.pointer(&pointer), Some(&Json::from(text)));
    }

    #[test]
    fn any_bytes_are_a_chart_or_an_error(bytes in vec(any::<u8>(), 0..2000)) {
        let _ = timed(|| Chart::from_archive(&bytes));
        let _ = timed(|| Chart::from_archive(&gzip(&bytes)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_packed_chart_comes_back(chart in chart()) {
        let archive = chart.archive().map_err(|error| TestCaseError::fail(error.message))?;
        prop_assert_eq!(&chart.archive().map_err(|error| TestCaseError::fail(error.message))?, &archive);
        let again = timed(|| Chart::from_archive(&archive)).map_err(|error| TestCaseError::fail(error.message))?;
        let names = |files: &[File]| files.iter().map(|file| (file.name.clone(), file.data.clone())).collect::<Vec<_>>();
        prop_assert_eq!(names(&again.templates), names(&chart.templates));
    }

    #[test]
    fn a_broken_archive_is_a_chart_or_an_error(chart in chart(), changes in vec((any::<usize>(), any::<u8>()), 1..20)) {
        let archive = chart.archive().map_err(|error| TestCaseError::fail(error.message))?;
        let mut inside = gunzip(&archive);
        for (place, byte) in changes {
            let length = inside.len().max(1);
            // Most of it in the headers, which come first.
            let place = if place % 2 == 0 { place % length } else { place % 512.min(length) };
            if let Some(changed) = inside.get_mut(place) {
                *changed = byte;
            }
        }
        let _ = timed(|| Chart::from_archive(&gzip(&inside)));
        let half = archive.get(..archive.len() / 2).unwrap_or_default();
        let _ = timed(|| Chart::from_archive(half));
    }
}
