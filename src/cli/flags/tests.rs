use std::time::Duration;

use super::*;

fn flags() -> Vec<Flag> {
    vec![
        Flag::bool("short", "").short('q'),
        Flag::bool("date", "").short('d'),
        Flag::int("max", "").short('m').default("256"),
        Flag::text("filter", "").short('f'),
        Flag::new("kube-as-group", Kind::List, ""),
        Flag::new("timeout", Kind::Duration, "").default("5m0s"),
        Flag::new("wait", Kind::Wait, "").default("hookOnly").bare("watcher"),
        Flag::new("qps", Kind::Float32, ""),
        Flag::text("dry-run", "").default("none").bare("unset"),
        Flag::bool("force", "").deprecated("use --force-replace instead"),
        Flag::output(),
    ]
}

fn read(line: &str) -> Result<Parsed, String> {
    let args: Vec<String> = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    parse(&flags(), &args)
}

/// Expected sentences are the real helm's for the same flags.
#[track_caller]
fn check_error(line: &str, expected: &str) {
    assert_eq!(read(line).map(|parsed| parsed.args).unwrap_err(), expected);
}

#[test]
fn values_in_every_spelling() {
    for line in ["-m=7", "-m7", "-m 7", "--max=7", "--max 7", "-qdm7", "--max 0x7 -q", "-m 9 --max=7"] {
        assert_eq!(read(line).unwrap().int("max"), 7, "{line}");
    }
    assert_eq!(read("").unwrap().int("max"), 256);
    assert!(!read("-q --short=false").unwrap().bool("short"));
    assert!(read("--short=T").unwrap().bool("short"));
    assert_eq!(read("--dry-run server").unwrap().text("dry-run"), "unset");
    assert_eq!(read("--dry-run=server").unwrap().text("dry-run"), "server");
    assert_eq!(read("--wait x").unwrap().wait("wait"), WaitStrategy::Watcher);
    assert_eq!(read("--timeout 1h2m3.5s").unwrap().duration("timeout"), Duration::from_millis(3_723_500));
    assert_eq!(read("--timeout=-3s").unwrap().duration("timeout"), Duration::ZERO);
    assert_eq!(read("--kube-as-group a --kube-as-group b,c").unwrap().list("kube-as-group"), ["a", "b,c"]);
    assert_eq!(read("-f= -q").unwrap().text("filter"), "=");
}

#[test]
fn arguments_stand_anywhere() {
    assert_eq!(read("web -q - 3 --max 2 x -- -d --max").unwrap().args, ["web", "-", "3", "x", "-d", "--max"]);
}

#[test]
fn errors_in_pflags_words() {
    check_error("--foo", "unknown flag: --foo");
    check_error("--foo=1", "unknown flag: --foo");
    check_error("-x", "unknown shorthand flag: 'x' in -x");
    check_error("-qax", "unknown shorthand flag: 'a' in -ax");
    check_error("--max", "flag needs an argument: --max");
    check_error("-qm", "flag needs an argument: 'm' in -m");
    check_error("--=x", "bad flag syntax: --=x");
    check_error("---x", "bad flag syntax: ---x");
    check_error(
        "--max=x",
        r#"invalid argument "x" for "-m, --max" flag: strconv.ParseInt: parsing "x": invalid syntax"#,
    );
    check_error(
        "--max=08",
        r#"invalid argument "08" for "-m, --max" flag: strconv.ParseInt: parsing "08": invalid syntax"#,
    );
    check_error(
        "--max=99999999999999999999",
        r#"invalid argument "99999999999999999999" for "-m, --max" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range"#,
    );
    check_error(
        "--short=x",
        r#"invalid argument "x" for "-q, --short" flag: strconv.ParseBool: parsing "x": invalid syntax"#,
    );
    check_error("--qps=x", r#"invalid argument "x" for "--qps" flag: strconv.ParseFloat: parsing "x": invalid syntax"#);
    check_error("--timeout=x", r#"invalid argument "x" for "--timeout" flag: time: invalid duration "x""#);
    check_error("--timeout=5", r#"invalid argument "5" for "--timeout" flag: time: missing unit in duration "5""#);
    check_error(
        "--timeout=5d",
        r#"invalid argument "5d" for "--timeout" flag: time: unknown unit "d" in duration "5d""#,
    );
    check_error("-o foo", r#"invalid argument "foo" for "-o, --output" flag: invalid format type"#);
    check_error(
        "--wait=foo",
        r#"invalid argument "foo" for "--wait" flag: invalid wait input "foo". Valid inputs are watcher, hookOnly, and legacy"#,
    );
}

#[test]
fn notices() {
    assert_eq!(read("--force").unwrap().notices, ["Flag --force has been deprecated, use --force-replace instead"]);
    assert_eq!(
        read("--wait=true").unwrap().notices,
        [r#"level=WARN msg="--wait=true is deprecated (boolean value) and can be replaced with --wait=watcher""#]
    );
}

#[test]
fn groups_exclude() {
    let parsed = read("--short --date").unwrap();
    assert_eq!(
        parsed.exclusive(&["short", "date"]).unwrap_err(),
        "if any flags in the group [short date] are set none of the others can be; [date short] were all set"
    );
    assert_eq!(parsed.exclusive(&["short", "max"]), Ok(()));
}
