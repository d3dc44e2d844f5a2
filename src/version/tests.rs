//! Against what Masterminds/semver 3.5.0 itself answered. `versions.jsonl` has texts, each with what `NewVersion` and
//! `StrictNewVersion` said: an error, or the parts and what methods make of them. `constraints.jsonl` has constraints, as
//! they are written again, each with versions and the reasons of `Validate` against them.

use serde_json::{Value as Json, json};

use super::{Constraint, Version};

fn described(version: Result<Version, String>) -> Json {
    let version = match version {
        Ok(version) => version,
        Err(error) => return error.into(),
    };
    let original = |version: Result<Version, String>| version.map_or_else(|error| error, |version| version.original);
    let mut derived = vec![version.increment_major(), version.increment_minor(), version.increment_patch()];
    for text in ["", "rc.1", "01", "a..b", "é"] {
        derived.extend([version.with_prerelease(text), version.with_metadata(text)]);
    }
    let derived: Vec<String> = derived.into_iter().map(original).collect();
    let Version { major, minor, patch, prerelease, metadata, .. } = &version;
    json!([major, minor, patch, prerelease, metadata, version.to_string(), version.original, derived])
}

#[test]
fn versions_as_masterminds() {
    for line in include_str!("tests/versions.jsonl").lines() {
        let case: Vec<Json> = serde_json::from_str(line).expect("a line of JSON");
        let text = case[0].as_str().expect("a text");
        assert_eq!(described(Version::parse(text)), case[1], "{text}");
        assert_eq!(described(Version::parse_strict(text)), case[2], "strict {text}");
    }
}

#[test]
fn constraints_as_masterminds() {
    for line in include_str!("tests/constraints.jsonl").lines() {
        let case: Vec<Json> = serde_json::from_str(line).expect("a line of JSON");
        let text = case[0].as_str().expect("a text");
        let constraint = Constraint::parse(text).expect(text);
        assert_eq!(json!(constraint.to_string()), case[1]);
        for answer in case[2].as_array().expect("versions") {
            let version = Version::parse(answer[0].as_str().expect("a version")).expect("a version");
            let reasons = constraint.validate(&version).err().unwrap_or_default();
            assert_eq!(json!(reasons), answer[1], "{text} and {version}");
            assert_eq!(constraint.check(&version), reasons.is_empty(), "{text} and {version}");
        }
    }
}
