//! Output as Go encodes it: JSON by `encoding/json`, YAML by `sigs.k8s.io/yaml`, colours by fatih/color.

use serde::Serialize;
use serde_json::Value;

use crate::{release::Status, yaml};

/// One line of JSON as `json.Encoder` writes it.
pub fn json(value: &impl Serialize) -> String {
    // Everything printed here has text keys, so there is nothing that cannot be written.
    let bytes = yaml::json::to_vec(value).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned() + "\n"
}

/// YAML as Helm writes it: through JSON, keys sorted.
pub fn yaml(value: &impl Serialize) -> String {
    yaml::to_string(&serde_json::from_str(&json(value)).unwrap_or(Value::Null))
}

/// Values as Go holds them once they went through JSON: every number a `float64`, so that large ones lose digits.
pub fn as_go_holds(value: &mut Value) {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Array(items) => items.iter_mut().for_each(as_go_holds),
        Value::Object(fields) => fields.values_mut().for_each(as_go_holds),
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            if let (Some(true), Some(float)) = (size.map(|size| size > EXACT), number.as_f64()) {
                *value = Value::from(float);
            }
        }
        _ => {}
    }
}

/// Colours of Helm's tables; off unless standard output is a terminal or `--color always`.
#[derive(Debug, Clone, Copy)]
pub struct Colors(pub bool);

impl Colors {
    /// A table's heading.
    pub fn heading(self, text: &str) -> String {
        self.paint("1", "22", text)
    }

    /// A namespace.
    pub fn namespace(self, text: &str) -> String {
        self.paint("36", "0", text)
    }

    /// A status, by what it means.
    pub fn status(self, status: &Status) -> String {
        let code = match status {
            Status::Deployed => "32",
            Status::Failed | Status::Unknown => "31",
            Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback | Status::Uninstalling => "33",
            _ => return status.as_str().to_owned(),
        };
        self.paint(code, "0", status.as_str())
    }

    /// A text between two escape codes.
    pub fn paint(self, start: &str, end: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{start}m{text}\u{1b}[{end}m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Expected texts are what `helm get values -o json` (4.2.4) printed for the same values.
    #[test]
    fn large_numbers_lose_digits() {
        let mut values = json!({"a": [12_345_678_901_234_567_890_u64, 9_007_199_254_740_993_i64], "b": 134_217_728});
        as_go_holds(&mut values);
        assert_eq!(json(&values), "{\"a\":[12345678901234567000,9007199254740992],\"b\":134217728}\n");
    }

    #[test]
    fn colours_by_status() {
        assert_eq!(Colors(true).status(&Status::Deployed), "\u{1b}[32mdeployed\u{1b}[0m");
        assert_eq!(Colors(true).status(&Status::Superseded), "superseded");
        assert_eq!(Colors(false).status(&Status::Failed), "failed");
    }
}
