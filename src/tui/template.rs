//! The user's own small display templates (extra columns, the terminal's title), in Go's notation through `gtmpl`.

use std::collections::BTreeMap;

use gtmpl::{Context, Template, Value};

/// A template that has been read.
pub struct Display {
    template: Template,
}

impl Display {
    /// Reads a template; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut template = Template::default();
        template.parse(text).map_err(|error| error.to_string())?;
        Ok(Self { template })
    }

    /// Fills it in; where a field is missing or a function fails, nothing is shown.
    pub fn fill(&self, fields: &Fields) -> String {
        let context = Context::from(Value::Object(fields.0.clone()));
        self.template.render(&context).unwrap_or_default().replace("<no value>", "")
    }
}

/// What a template can name.
#[derive(Default)]
pub struct Fields(std::collections::HashMap<String, Value>);

impl Fields {
    /// The same with one more text.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        self.0.insert(name.to_owned(), Value::from(text));
        self
    }

    /// The same with one more number.
    #[must_use]
    pub fn number(mut self, name: &str, number: u64) -> Self {
        self.0.insert(name.to_owned(), Value::from(number));
        self
    }

    /// The same with one more map of texts.
    #[must_use]
    pub fn map(mut self, name: &str, map: &BTreeMap<String, String>) -> Self {
        let entries = map.iter().map(|(key, text)| (key.clone(), Value::from(text.as_str())));
        self.0.insert(name.to_owned(), Value::Object(entries.collect()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, expected: &str) {
        let labels = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
        let fields = Fields::default().text("name", "web").number("revision", 3).map("labels", &labels);
        let display = Display::parse(template).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(display.fill(&fields), expected);
    }

    #[test]
    fn templates_see_the_fields() {
        check("{{ .name }} v{{ .revision }}", "web v3");
        check("{{ .labels.team }}", "shop");
        check("{{ if eq .labels.team \"shop\" }}yes{{ end }}", "yes");
        check("{{ .labels.owner }}", "");
    }
}
