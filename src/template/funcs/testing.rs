//! A world in which functions can be tried.

use std::cell::Cell;

use crate::template::{Context, Env, Map, Options, Templates, Value};

/// 2026-11-21T01:16:52.584892786Z in Berlin, with numbers that look random and are the same each time.
pub(super) struct World(Cell<u64>);

impl Env for World {
    fn now(&self) -> i128 {
        1_795_223_812_584_892_786
    }
    fn zone(&self) -> String {
        "Europe/Berlin".to_owned()
    }
    fn random(&self, buffer: &mut [u8]) {
        for byte in buffer {
            // Knuth's linear congruence; the high bits are the good ones.
            self.0.set(self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
            *byte = (self.0.get() >> 56) as u8;
        }
    }
}

/// Calls functions of these names one after the other, each with the arguments that fit it.
pub(super) struct Caller(World);

impl Caller {
    pub(super) fn new() -> Self {
        Self(World(Cell::new(1)))
    }

    /// What the function gives, or its error's text.
    pub(super) fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, String> {
        let (_, function) = super::all().filter(|(known, _)| *known == name).last().expect(name);
        let templates = Templates::new();
        let mut context = Context::new(&templates, Options::default(), &self.0);
        (function.body)(&mut context, arguments).map_err(|fault| fault.message)
    }
}

/// Renders a text with a few numbers for its data.
///
/// # Errors
/// What the function says, without where it was called.
pub(super) fn render(text: &str) -> Result<String, String> {
    let mut templates = Templates::new();
    templates.add(&[("t".into(), text.to_owned().into())]).map_err(|error| error.helm_message())?;
    let data = [("i", Value::Int(3)), ("i64", Value::Int64(1_577_934_245)), ("f", Value::Float64(1.5))];
    let data: Map = data.into_iter().map(|(name, value)| (name.into(), value)).collect();
    let world = World(Cell::new(1));
    let output = Context::new(&templates, Options::default(), &world).execute("t", data.into());
    output.map(|text| String::from_utf8_lossy(&text).into_owned()).map_err(|error| {
        let message = error.helm_message();
        let said = message.rsplit_once(">:\n    ").or_else(|| message.split_once(">: "));
        said.map_or(message.clone(), |(_, said)| said.to_owned())
    })
}

/// Holds templates to what Go 1.26 and Sprig 3.3.0 made of them in Berlin: `[template, output]` or
/// `[template, null, what the function says]`.
#[track_caller]
pub(super) fn check(table: &str) {
    let mut differences = Vec::new();
    for line in table.lines() {
        let case: Vec<serde_json::Value> = serde_json::from_str(line).expect("a line of JSON");
        let text = case[0].as_str().expect("a template");
        let got = match render(text) {
            Ok(output) => vec![output.into()],
            Err(message) => vec![serde_json::Value::Null, message.into()],
        };
        if got != case[1..] {
            let (go, here) = (serde_json::Value::from(&case[1..]), serde_json::Value::from(got));
            differences.push(format!("{text}\n  Go   {go}\n  here {here}"));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}
