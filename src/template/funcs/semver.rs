//! Sprig's `semver` and `semverCompare`.

use std::{any::Any, rc::Rc};

use super::nil_pointer;
use crate::{
    template::{
        Context, Fault, Object, Str, Value,
        func::{Function, Signature, Type, function},
    },
    version::{Constraint, Version},
};

/// Go's name of what `semver` gives.
const POINTER: &str = "*semver.Version";

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![("semver", function(|text: Str| parse(&text).map(pointer))), ("semverCompare", function(compare))]
}

fn parse(text: &Str) -> Result<Version, Fault> {
    Version::parse(&text.to_text()).map_err(Fault::new)
}

fn compare(constraint: Str, version: Str) -> Result<bool, Fault> {
    let constraint = Constraint::parse(&constraint.to_text()).map_err(Fault::new)?;
    Ok(constraint.check(&parse(&version)?))
}

/// What `semver` gives.
fn pointer(version: Version) -> Value {
    Value::Object(Rc::new(SemanticVersion { version, is_pointer: true }))
}

/// What a method of a version gives: Go's `semver.Version`, which has the methods of the value alone.
fn plain(version: Result<Version, String>) -> Result<Value, Fault> {
    let version = version.map_err(Fault::new)?;
    Ok(Value::Object(Rc::new(SemanticVersion { version, is_pointer: false })))
}

struct SemanticVersion {
    version: Version,
    is_pointer: bool,
}

impl SemanticVersion {
    /// How this version stands to the one that a method was given.
    fn compare(&self, arguments: &[Value]) -> Result<std::cmp::Ordering, Fault> {
        let other = match arguments {
            [Value::Object(object)] => object.as_any().downcast_ref::<Self>(),
            _ => None,
        };
        other.map(|other| self.version.compare(&other.version)).ok_or_else(nil_pointer)
    }
}

impl Object for SemanticVersion {
    fn type_name(&self) -> &'static str {
        if self.is_pointer { POINTER } else { "semver.Version" }
    }

    fn kind(&self) -> &'static str {
        if self.is_pointer { "ptr" } else { "struct" }
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let parameters = match name {
            "String" | "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "IncPatch" | "IncMinor"
            | "IncMajor" => vec![],
            "SetPrerelease" | "SetMetadata" => vec![Type::String],
            "Original" if self.is_pointer => vec![],
            "Compare" | "Equal" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual"
                if self.is_pointer =>
            {
                vec![Type::Object(POINTER)]
            }
            _ => return None,
        };
        Some(Signature::of(parameters))
    }

    fn call(&self, name: &str, arguments: &[Value], _: &Context<'_>) -> Result<Value, Fault> {
        let version = &self.version;
        let text = || arguments.first().and_then(Value::as_str).map(|text| text.to_text()).unwrap_or_default();
        Ok(match name {
            "Major" => Value::Uint64(version.major),
            "Minor" => Value::Uint64(version.minor),
            "Patch" => Value::Uint64(version.patch),
            "Prerelease" => version.prerelease.as_str().into(),
            "Metadata" => version.metadata.as_str().into(),
            "Original" => version.original.as_str().into(),
            "IncPatch" => plain(version.increment_patch())?,
            "IncMinor" => plain(version.increment_minor())?,
            "IncMajor" => plain(version.increment_major())?,
            "SetPrerelease" => plain(version.with_prerelease(&text()))?,
            "SetMetadata" => plain(version.with_metadata(&text()))?,
            "Compare" => Value::Int(self.compare(arguments)? as i64),
            "Equal" => self.compare(arguments).is_ok_and(std::cmp::Ordering::is_eq).into(),
            "LessThan" => self.compare(arguments)?.is_lt().into(),
            "LessThanEqual" => self.compare(arguments)?.is_le().into(),
            "GreaterThan" => self.compare(arguments)?.is_gt().into(),
            "GreaterThanEqual" => self.compare(arguments)?.is_ge().into(),
            _ => self.display().into(),
        })
    }

    fn display(&self) -> String {
        self.version.to_string()
    }

    fn underlying(&self) -> Value {
        self.display().into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
