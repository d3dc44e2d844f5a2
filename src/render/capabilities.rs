//! What a cluster can do, as templates see it in `.Capabilities` (helm/helm `pkg/chart/common/capabilities.go`).

use std::{any::Any, rc::Rc};

use serde_json::json;

use crate::template::{
    Context, Fault, List, Object, Value,
    func::{Signature, Type},
};

/// The API versions that Helm 4.2.4 assumes without a cluster, in its order: every group its client library knows.
const API_VERSIONS: &str = include_str!("api-versions.txt");
/// The Kubernetes that Helm 4.2.4 assumes without a cluster.
const KUBERNETES: &str = "v1.36.0";
/// `.Capabilities.HelmVersion`: its fields, and their names in JSON, which leaves empty ones out.
const HELM_VERSION: [(&str, &str, &str); 5] = [
    ("Version", "version", "v4.2.4"),
    ("GitCommit", "git_commit", ""),
    ("GitTreeState", "git_tree_state", ""),
    ("GoVersion", "go_version", "go1.26.0"),
    ("KubeClientVersion", "kube_client_version", "v1.36"),
];

/// What a cluster can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// The versions of groups and kinds that are served: `apps/v1`, `apps/v1/Deployment`.
    pub api_versions: Vec<String>,
}

/// A version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// The whole version, `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without what follows the numbers, for constraints: `v1.33.4`; empty where a server told the version.
    pub normalized: String,
    /// First number.
    pub major: String,
    /// Second number, and whatever the server adds to it.
    pub minor: String,
}

/// `.Capabilities.APIVersions`.
struct ApiVersions(Rc<Capabilities>);

/// `.Capabilities.HelmVersion`.
struct HelmVersion;

impl Default for Capabilities {
    /// What Helm assumes without a cluster.
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            kube_version: KubeVersion {
                version: text(KUBERNETES),
                normalized: text(KUBERNETES),
                major: text("1"),
                minor: text("36"),
            },
            api_versions: API_VERSIONS.lines().map(text).collect(),
        }
    }
}

impl KubeVersion {
    /// Reads a version given by the user: two numbers or more with dots between them, then anything
    /// (k8s.io/apimachinery `pkg/util/version`, `ParseGeneric`).
    ///
    /// # Errors
    /// Kubernetes' words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let numbers = text.trim_matches([' ', '\t', '\n', '\r', '\x0c']);
        let numbers = numbers.strip_prefix('v').unwrap_or(numbers);
        let mut components = Vec::new();
        let mut rest = numbers;
        loop {
            let digits = rest.len() - rest.trim_start_matches(|char: char| char.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            if digits == 0 {
                break;
            }
            components.push(number);
            match after.strip_prefix('.') {
                Some(after) => rest = after,
                None => break,
            }
        }
        match components.as_slice() {
            [] => return Err(format!("could not parse {text:?} as version")),
            [_] => return Err(format!("illegal version string {text:?}")),
            [first, ..] if first.starts_with('0') && *first != "0" => {
                return Err(format!("illegal zero-prefixed version component {first:?} in {text:?}"));
            }
            _ => {}
        }
        let read = |number: &&str| {
            let why = format!("strconv.ParseUint: parsing {number:?}: value out of range");
            let wrong = |_| format!("illegal non-numeric version component {number:?} in {text:?}: {why}");
            number.parse::<u64>().map(|number| number.to_string()).map_err(wrong)
        };
        let numbers = components.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            normalized: format!("v{}", numbers.join(".")),
            major: numbers.first().cloned().unwrap_or_default(),
            minor: numbers.get(1).cloned().unwrap_or_default(),
        })
    }

    /// The version that constraints are held against.
    pub fn for_constraints(&self) -> &str {
        if self.normalized.is_empty() { &self.version } else { &self.normalized }
    }

    fn json(&self) -> serde_json::Value {
        json!({ "Version": self.version, "Major": self.major, "Minor": self.minor })
    }
}

/// Capabilities as the value of `.Capabilities`.
pub(super) fn value(capabilities: Capabilities) -> Value {
    Value::Object(Rc::new(Rc::new(capabilities)))
}

impl Object for Rc<Capabilities> {
    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => Some(Value::Object(Rc::new(self.kube_version.clone()))),
            "APIVersions" => Some(Value::Object(Rc::new(ApiVersions(Self::clone(self))))),
            "HelmVersion" => Some(Value::Object(Rc::new(HelmVersion))),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Copy").then(Signature::default)
    }

    fn call(&self, _name: &str, _arguments: &[Value], _: &Context<'_>) -> Result<Value, Fault> {
        Ok(Value::Object(Rc::new(Self::clone(self))))
    }

    fn display(&self) -> String {
        let versions = ApiVersions(Self::clone(self));
        format!("&{{{} {} {}}}", self.kube_version.display(), versions.display(), HelmVersion.display())
    }

    fn underlying(&self) -> Value {
        Value::from_json(&json!({
            "KubeVersion": self.kube_version.json(),
            "APIVersions": self.api_versions,
            "HelmVersion": HelmVersion::json(),
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for KubeVersion {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(self.version.as_str().into()),
            "Major" => Some(self.major.as_str().into()),
            "Minor" => Some(self.minor.as_str().into()),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Signature> {
        matches!(name, "String" | "GitVersion").then(Signature::default)
    }

    fn call(&self, name: &str, _arguments: &[Value], _: &Context<'_>) -> Result<Value, Fault> {
        Ok(if name == "String" { self.print() } else { self.version.clone() }.into())
    }

    fn display(&self) -> String {
        format!("{{{} {} {} {}}}", self.version, self.normalized, self.major, self.minor)
    }

    fn print(&self) -> String {
        self.for_constraints().to_owned()
    }

    fn underlying(&self) -> Value {
        Value::from_json(&self.json())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for ApiVersions {
    fn type_name(&self) -> &'static str {
        "common.VersionSet"
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Has").then(|| Signature::of(vec![Type::String]))
    }

    fn call(&self, _name: &str, arguments: &[Value], _: &Context<'_>) -> Result<Value, Fault> {
        let asked = arguments.first().and_then(Value::as_str).map(|version| version.as_bytes());
        Ok(self.0.api_versions.iter().any(|version| Some(version.as_bytes()) == asked).into())
    }

    fn display(&self) -> String {
        format!("[{}]", self.0.api_versions.join(" "))
    }

    fn underlying(&self) -> Value {
        List::strings(self.0.api_versions.iter().map(String::as_str)).into()
    }

    fn is_true(&self) -> bool {
        !self.0.api_versions.is_empty()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl HelmVersion {
    fn json() -> serde_json::Value {
        let shown = HELM_VERSION.iter().filter(|(_, _, value)| !value.is_empty());
        serde_json::Value::Object(shown.map(|(_, name, value)| ((*name).to_owned(), (*value).into())).collect())
    }
}

impl Object for HelmVersion {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        HELM_VERSION.iter().find(|(field, _, _)| *field == name).map(|(_, _, value)| (*value).into())
    }

    fn display(&self) -> String {
        format!("{{{}}}", HELM_VERSION.map(|(_, _, value)| value).join(" "))
    }

    fn underlying(&self) -> Value {
        Value::from_json(&Self::json())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
