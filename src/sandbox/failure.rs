//! What the server answers when it refuses, in its own words.

use serde_json::{Value, json};

use super::kinds::Kind;

/// A `Status` of failure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason; empty when the server gives none.
    pub reason: &'static str,
    /// The message.
    pub message: String,
    /// `details`, `Null` when absent.
    pub details: Value,
}

impl Failure {
    /// A failure without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 501: outside what the sandbox knows.
    pub fn not_served(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("the sandbox does not serve {what}"))
    }

    /// 404 of an object.
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        Self::about(404, "NotFound", kind, name, format!("{} {name:?} not found", kind.resource()))
    }

    /// 409 of a create.
    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::about(409, "AlreadyExists", kind, name, format!("{} {name:?} already exists", kind.resource()))
    }

    /// 409 of a precondition.
    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.resource());
        Self::about(409, "Conflict", kind, name, message)
    }

    /// The same, naming the kind where the server mostly names the resource.
    pub fn naming_kind(mut self, kind: &Kind) -> Self {
        self.message = self.message.replacen(&kind.resource(), &kind.qualified(), 1);
        self.details["kind"] = kind.kind.clone().into();
        self
    }

    /// 409: the object changed since it was read.
    pub fn modified(kind: &Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    /// 403 of an admission rule.
    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        Self::about(403, "Forbidden", kind, name, format!("{} {name:?} is forbidden: {why}", kind.resource()))
    }

    /// 410 of a list or watch.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 422 with the server's list of causes.
    pub fn invalid(kind: &Kind, name: &str, causes: &[Cause]) -> Self {
        let texts: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let list = if let [one] = texts.as_slice() { one.clone() } else { format!("[{}]", texts.join(", ")) };
        let message = format!("{} {name:?} is invalid: {list}", kind.qualified());
        let mut failure = Self::about(422, "Invalid", kind, name, message);
        failure.details["kind"] = kind.kind.clone().into();
        failure.details["causes"] = causes.iter().map(Cause::json).collect();
        failure
    }

    fn about(code: u16, reason: &'static str, kind: &Kind, name: &str, message: String) -> Self {
        let mut details = json!({ "name": name, "group": kind.group, "kind": kind.plural });
        if let Some(fields) = details.as_object_mut() {
            fields.retain(|_, value| value != "");
        }
        Self { code, reason, message, details }
    }

    /// The `Status` object.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}

/// One cause of a 422 (apimachinery `pkg/util/validation/field/errors.go`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    reason: &'static str,
    field: String,
    message: String,
}

impl Cause {
    /// `Required value`.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    /// `Invalid value: VALUE: detail`, the value as the server prints it.
    pub fn invalid(field: impl Into<String>, value: &str, detail: &str) -> Self {
        Self { reason: "FieldValueInvalid", field: field.into(), message: format!("Invalid value: {value}: {detail}") }
    }

    /// `Forbidden: detail`.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {detail}") }
    }

    /// `Unsupported value: "x": supported values: …`.
    pub fn unsupported(field: impl Into<String>, value: &str, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|word| format!("{word:?}")).collect();
        let message = format!("Unsupported value: {value:?}: supported values: {}", list.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.into(), message }
    }

    fn json(&self) -> Value {
        json!({ "reason": self.reason, "message": self.message, "field": self.field })
    }
}
