//! The files of a chart, as templates see them in `.Files` (helm/helm `pkg/engine/files.go`).

use std::{any::Any, collections::BTreeMap, rc::Rc};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::Map;

use super::glob::Glob;
use crate::{
    chart::File,
    template::{
        self, Context, Fault, List, Object, Str, Value,
        func::{Signature, Type},
    },
    yaml,
};

/// Go's name of the type.
const FILES: &str = "engine.files";

/// `.Files`: a map from path to content, with methods.
#[derive(Clone)]
struct Files(Rc<BTreeMap<Rc<str>, Bytes>>);

/// What is in a file, as `range .Files` hands it out.
struct Content(Bytes);

/// Files as the value of `.Files`.
pub(super) fn value(files: &[File]) -> Value {
    let files = files.iter().map(|file| (file.name.as_str().into(), file.data.clone())).collect();
    Files(Rc::new(files)).into()
}

impl Files {
    fn bytes(&self, path: &str) -> Bytes {
        self.0.get(path).cloned().unwrap_or_default()
    }

    /// The files whose path matches; all of them where the pattern is malformed.
    fn glob(&self, pattern: &str) -> Self {
        let glob = Glob::new(pattern);
        let matches = |path: &str| glob.as_ref().is_none_or(|glob| glob.matches(path));
        let found = self.0.iter().filter(|(path, _)| matches(path));
        Self(Rc::new(found.map(|(path, data)| (path.clone(), data.clone())).collect()))
    }

    fn lines(&self, path: &str) -> Result<List, Fault> {
        match self.0.get(path) {
            None => Ok(List::strings(Vec::<Str>::new())),
            // Go looks at the last byte of the file unseen.
            Some(data) if data.is_empty() => Err(Fault::new("runtime error: index out of range [-1]")),
            Some(data) => {
                let text = data.strip_suffix(b"\n").unwrap_or(data);
                Ok(List::strings(text.split(|byte| *byte == b'\n').map(|line| Str::from_bytes(line.to_vec()))))
            }
        }
    }

    /// The files by the last part of their paths, as the body of a ConfigMap or a Secret.
    fn flat(&self, text: impl Fn(&[u8]) -> String) -> String {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let files: Map<_, _> = self.0.iter().map(|(path, data)| (name(path), text(data).into())).collect();
        let mut text = yaml::to_string(&files.into());
        text.truncate(text.strip_suffix('\n').map_or(text.len(), str::len));
        text
    }
}

impl From<Files> for Value {
    fn from(files: Files) -> Self {
        Self::Object(Rc::new(files))
    }
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        FILES
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::Object(Rc::new(Content(self.bytes(name)))))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let parameters = match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => vec![Type::String],
            "AsConfig" | "AsSecrets" => Vec::new(),
            _ => return None,
        };
        Some(Signature::of(parameters))
    }

    fn call(&self, name: &str, arguments: &[Value], _: &Context<'_>) -> Result<Value, Fault> {
        let argument = arguments.first().and_then(Value::as_str).map(Str::to_text).unwrap_or_default();
        Ok(match name {
            "Get" => text(&self.bytes(&argument)).into(),
            "GetBytes" => Value::Object(Rc::new(Content(self.bytes(&argument)))),
            "Glob" => self.glob(&argument).into(),
            "Lines" => self.lines(&argument)?.into(),
            "AsConfig" => self.flat(|data| String::from_utf8_lossy(data).into_owned()).into(),
            _ => self.flat(|data| BASE64_STANDARD.encode(data)).into(),
        })
    }

    fn display(&self) -> String {
        let entry = |(path, data): (&Rc<str>, &Bytes)| format!("{path}:{}", Content(data.clone()).display());
        format!("map[{}]", self.0.iter().map(entry).collect::<Vec<_>>().join(" "))
    }

    fn underlying(&self) -> Value {
        let file = |(path, data): (&Rc<str>, &Bytes)| (path.clone(), Value::Object(Rc::new(Content(data.clone()))));
        template::Map { type_name: FILES, ..self.0.iter().map(file).collect() }.into()
    }

    fn is_true(&self) -> bool {
        !self.0.is_empty()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Content {
    fn type_name(&self) -> &'static str {
        "[]uint8"
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn display(&self) -> String {
        let bytes: Vec<String> = self.0.iter().map(u8::to_string).collect();
        format!("[{}]", bytes.join(" "))
    }

    fn bytes(&self) -> Option<&[u8]> {
        Some(&self.0)
    }

    fn underlying(&self) -> Value {
        List { element: "uint8", items: self.0.iter().copied().map(Value::Uint8).collect(), is_nil: false }.into()
    }

    fn is_true(&self) -> bool {
        !self.0.is_empty()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn text(data: &[u8]) -> Str {
    match std::str::from_utf8(data) {
        Ok(text) => text.into(),
        Err(_) => Str::Raw(data.into()),
    }
}
