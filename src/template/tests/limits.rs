//! Templates that would run for ever or overflow the stack: an error each, never a crash.

use super::{Json, language::render};
use crate::template::Options;

#[track_caller]
fn check(template: &str, expected_end: &str) {
    let error = render(&template.into(), &Json::Null, Options::default()).expect_err("an error");
    let message = error.helm_message();
    assert!(message.ends_with(expected_end), "{}", message.chars().rev().take(300).collect::<String>());
}

#[test]
fn ends_recursion_of_template() {
    check(
        "{{ template \"a\" . }}{{ define \"a\" }}{{ template \"a\" . }}{{ end }}",
        "exceeded maximum template depth (100000)",
    );
}

#[test]
fn ends_recursion_of_include() {
    let message = "rendering template has a nested reference name: a: unable to execute template";
    check("{{ include \"a\" . }}{{ define \"a\" }}{{ include \"a\" . }}{{ end }}", message);
    check(
        "{{ include \"a\" . }}{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}{{ include \"a\" . }}{{ end }}",
        message,
    );
}

#[test]
fn ends_recursion_of_tpl() {
    let text = "{{ $t := \"{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t) }}";
    check(text, "exceeded maximum depth of include and tpl (10000)");
}

#[test]
fn limits_nesting_in_a_text() {
    let nested = |count| format!("{{{{ {}1{} }}}}", "(".repeat(count), ")".repeat(count));
    let output = render(&nested(10_000).into(), &Json::Null, Options::default()).expect("an output");
    assert_eq!(output, "1");
    check(&nested(10_001), "max expression depth exceeded");
    let nested = |count| format!("{}x{}", "{{if 1}}".repeat(count), "{{end}}".repeat(count));
    let output = render(&nested(50_000).into(), &Json::Null, Options::default()).expect("an output");
    assert_eq!(output, "x");
    check(&nested(50_001), "max nesting depth exceeded");
}

#[test]
fn drops_values_deeper_than_the_stack() {
    for nest in ["dict \"a\" $x", "list $x", "dict \"a\" (list $x)"] {
        let text = format!("{{{{ $x := 1 }}}}{{{{ range until 200000 }}}}{{{{ $x = {nest} }}}}{{{{ end }}}}");
        let output = render(&text.into(), &Json::Null, Options::default()).expect("an output");
        assert_eq!(output, "");
    }
}

#[test]
fn survives_functions_on_values_that_are_endless_or_too_deep() {
    let deep = "{{ $x := 1 }}{{ range until 20000 }}{{ $x = dict \"a\" (list $x) }}{{ end }}";
    let endless = "{{ $x := dict \"b\" 1 }}{{ $_ := set $x \"a\" $x }}";
    let calls = [
        "toYaml $x",
        "toYamlPretty $x",
        "toJson $x",
        "toPrettyJson $x",
        "toRawJson $x",
        "toToml $x",
        "print $x",
        "printf \"%q\" $x",
        "printf \"%#v\" $x",
        "quote $x",
        "toString $x",
        "html $x",
        "deepCopy $x",
        "merge (dict) $x",
        "merge (dict \"a\" (dict)) $x",
        "mergeOverwrite (dict \"a\" (dict)) $x",
        "deepEqual $x (dict \"a\" 1)",
        "eq $x $x",
        "uniq (list $x 1)",
        "has $x (list 1 $x)",
        "without (list $x 1) $x",
        "values $x",
        "pluck \"a\" $x",
        "dig \"a\" \"b\" 1 $x",
        "join \",\" (list $x)",
        "toStrings (list $x)",
        "cat $x",
        "empty $x",
        "kindOf $x",
        "mustToJson $x",
        "mustToYaml $x",
        "indent 2 (toYaml $x)",
        "sha256sum (toYaml $x)",
        "int $x",
        "float64 $x",
    ];
    for value in [deep, endless] {
        for call in calls.iter().filter(|call| !call.starts_with("sha256")) {
            let text = format!("{value}{{{{ $y := {call} }}}}");
            // Whether it is an error or not depends on the function.
            let _ = render(&text.into(), &Json::Null, Options::default());
        }
    }
}
