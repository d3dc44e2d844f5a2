//! What a post-renderer is given and what it gives back (`annotateAndMerge` and `splitAndDeannotate` of helm/helm
//! `pkg/action/action.go`; `ByteReader`, `ByteWriter` and annotation filters of kyaml).

use std::{collections::BTreeMap, mem, sync::Arc};

use super::{
    Error,
    documents::{RenderedFile, is_partial},
};
use crate::{
    manifest,
    template::Env,
    yaml::styled::{self, Document, Kind, Node, Style},
};

/// The annotation that remembers a document's file on its way through the post-renderer.
const FILE_ANNOTATION: &str = "postrenderer.helm.sh/postrender-filename";

/// What kyaml marks documents with while it holds them, and takes away when it writes them.
const OWN_ANNOTATIONS: [&str; 3] =
    ["config.kubernetes.io/index", "internal.config.kubernetes.io/index", "internal.config.kubernetes.io/seqindent"];

/// Hands rendered files, hooks among them, to the user's post-renderer, if there is one.
///
/// # Errors
/// What it fails with, and what is wrong with its input or output, in Helm's words.
pub(super) fn apply(files: Vec<RenderedFile>, env: &dyn Env) -> Result<Vec<RenderedFile>, Error> {
    let Some(post_renderer) = env.post_renderer() else {
        return Ok(files);
    };
    let merged = merge(&files).map_err(|why| Error::new(format!("error merging manifests: {why}")))?;
    let given =
        post_renderer(&merged).map_err(|why| Error::new(format!("error while running post render on files: {why}")))?;
    split(&given).map_err(|why| Error::new(format!("error while parsing post rendered output: {why}")))
}

/// One stream of documents, each of which names its file.
fn merge(files: &[RenderedFile]) -> Result<String, String> {
    let mut documents = Vec::new();
    for file in files.iter().filter(|file| !is_partial(&file.path)) {
        let parsing = |why: String| format!("parsing {}: {why}", file.path);
        if !file.is_utf8 {
            return Err(parsing("MalformedYAMLError: yaml: invalid leading UTF-8 octet".to_owned()));
        }
        for part in manifest::split(file.text.trim_start()) {
            for mut document in read(part.text.trim_start()).map_err(parsing)? {
                set_annotation(&mut document.root, FILE_ANNOTATION, &file.path)
                    .map_err(|why| format!("annotating {}: {why}", file.path))?;
                documents.push(document);
            }
        }
    }
    write(documents)
}

/// The documents of a stream under their files; where none is named, under one of their own.
fn split(text: &str) -> Result<Vec<RenderedFile>, String> {
    let mut files: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    let documents = read(text).map_err(|why| format!("error parsing YAML: {why}"))?;
    for (index, mut document) in documents.into_iter().enumerate() {
        let path = annotation(&document.root, FILE_ANNOTATION);
        let path = if path.is_empty() { format!("generated-by-postrender-{index}.yaml") } else { path.to_owned() };
        clear_annotation(&mut document.root, FILE_ANNOTATION)
            .map_err(|why| format!("clearing filename annotation: {why}"))?;
        files.entry(path).or_default().push(document);
    }
    let file = |(path, documents): (String, Vec<Document>)| {
        let text = write(documents).map_err(|why| format!("re-writing {path}: {why}"))?;
        Ok(RenderedFile { path: Arc::from(path), text: Arc::new(text), is_utf8: true, parts: Vec::new() })
    };
    files.into_iter().map(file).collect()
}

/// Reads a stream as kyaml does: what is null is left out, and a list that comes alone is taken apart.
fn read(text: &str) -> Result<Vec<Document>, String> {
    let text = text.replace("\r\n", "\n");
    let parts = parts(&text)?;
    let alone = parts.len() == 1;
    let mut documents = Vec::new();
    for part in parts {
        let read = styled::read(part).map_err(|error| format!("MalformedYAMLError: {error}"))?;
        let Some(mut document) = read.filter(|document| !document.root.is_null()) else {
            continue;
        };
        let index = documents.len().to_string();
        for name in &OWN_ANNOTATIONS[..2] {
            set_annotation(&mut document.root, name, &index)?;
        }
        match items(&mut document.root).filter(|_| alone) {
            None => documents.push(document),
            Some(items) => documents.extend(items.into_iter().map(|root| Document {
                head: String::new(),
                root,
                foot: String::new(),
            })),
        }
    }
    Ok(documents)
}

/// The documents between lines that begin with `---`, each with the line break before that line.
fn parts(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find("\n---").map(|at| from + at) {
        let Some(end) = text[at + 1..].find('\n').map(|end| at + 1 + end) else {
            break;
        };
        let after = text[at + 4..end].trim();
        if !after.is_empty() && !after.starts_with('#') {
            return Err(format!("invalid document separator: {}", text[at..end].trim()));
        }
        parts.push(&text[start..=at]);
        start = end + 1;
        // The break that ends a separator does not begin the next one.
        from = start;
    }
    parts.push(&text[start..]);
    Ok(parts)
}

/// What a list holds: the items of a `List`, nothing of a `ResourceList` without any.
fn items(root: &mut Node) -> Option<Vec<Node>> {
    if !matches!(root.get("kind")?.text(), "List" | "ResourceList") {
        return None;
    }
    let lists = root.get("items").is_some() || root.get("functionConfig").is_some();
    let Kind::Mapping(entries, _) = &mut root.kind else { return None };
    let items = entries
        .iter_mut()
        .find(|(key, _)| key.text() == "items")
        .map(|(_, value)| mem::replace(&mut value.kind, Kind::Sequence(Vec::new(), false)));
    lists.then(|| match items {
        Some(Kind::Sequence(items, _)) => items,
        Some(Kind::Mapping(entries, _)) => entries.into_iter().flat_map(|(key, value)| [key, value]).collect(),
        _ => Vec::new(),
    })
}

fn write(mut documents: Vec<Document>) -> Result<String, String> {
    for document in &mut documents {
        for name in OWN_ANNOTATIONS {
            clear_annotation(&mut document.root, name)?;
        }
        clear_empty(&mut document.root)?;
    }
    Ok(styled::write(&documents))
}

fn annotation<'a>(root: &'a Node, name: &str) -> &'a str {
    let annotations = root.get("metadata").and_then(|metadata| metadata.get("annotations"));
    annotations.and_then(|annotations| annotations.get(name)).map_or("", Node::text)
}

fn set_annotation(root: &mut Node, name: &str, value: &str) -> Result<(), String> {
    clear_empty(root)?;
    let metadata = entry(root, "metadata", || Node::of(Kind::Mapping(Vec::new(), false)))?;
    let annotations = entry(metadata, "annotations", || Node::of(Kind::Mapping(Vec::new(), false)))?;
    let annotation = entry(annotations, name, || Node::scalar("", Style::SingleQuoted))?;
    if let Kind::Scalar(text, _) = &mut annotation.kind {
        value.clone_into(text);
    }
    Ok(())
}

fn clear_annotation(root: &mut Node, name: &str) -> Result<(), String> {
    let Some(metadata) = field(root, "metadata")? else { return Ok(()) };
    let Some(annotations) = field(metadata, "annotations")? else { return Ok(()) };
    remove(annotations, name, |_| true)
}

/// Takes annotations without any out, and then metadata without any.
fn clear_empty(root: &mut Node) -> Result<(), String> {
    if let Some(metadata) = field(root, "metadata")? {
        remove(metadata, "annotations", is_empty)?;
    }
    remove(root, "metadata", is_empty)
}

/// Whether a value holds no other values. A scalar does not.
fn is_empty(node: &Node) -> bool {
    match &node.kind {
        Kind::Sequence(items, _) => items.is_empty(),
        Kind::Mapping(entries, _) => entries.is_empty(),
        Kind::Scalar(..) | Kind::Alias(_) => true,
    }
}

fn remove(node: &mut Node, name: &str, wanted: impl Fn(&Node) -> bool) -> Result<(), String> {
    let entries = entries(node)?;
    if let Some(at) = entries.iter().position(|(key, value)| key.text() == name && wanted(value)) {
        entries.remove(at);
    }
    Ok(())
}

/// The value of a key, unless it is null.
fn field<'a>(node: &'a mut Node, name: &str) -> Result<Option<&'a mut Node>, String> {
    let mut values = entries(node)?.iter_mut().filter(|(key, _)| key.text() == name).map(|(_, value)| value);
    Ok(values.next_back().filter(|value| !value.is_null()))
}

/// The value of a key, which is added at the end where it is not there.
fn entry<'a>(node: &'a mut Node, name: &str, new: impl Fn() -> Node) -> Result<&'a mut Node, String> {
    let entries = entries(node)?;
    let at = entries.iter().position(|(key, _)| key.text() == name).unwrap_or_else(|| {
        entries.push((Node::scalar(name, Style::Plain), new()));
        entries.len() - 1
    });
    entries.get_mut(at).map(|(_, value)| value).ok_or_else(String::new)
}

/// The entries of a mapping, or kyaml's words for anything else.
fn entries(node: &mut Node) -> Result<&mut Vec<(Node, Node)>, String> {
    let other = match &node.kind {
        Kind::Mapping(..) => None,
        Kind::Scalar(..) => Some("ScalarNode"),
        Kind::Sequence(..) => Some("SequenceNode"),
        Kind::Alias(_) => Some("AliasNode"),
    };
    let refusal = other.map(|other| {
        let document = Document { head: String::new(), root: node.clone(), foot: String::new() };
        let contents = styled::write(&[document]);
        format!("wrong node kind: expected MappingNode but got {other}: node contents:\n{contents}")
    });
    match &mut node.kind {
        Kind::Mapping(entries, _) => Ok(entries),
        _ => Err(refusal.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::{apply, merge};
    use crate::{
        render::RenderedFile,
        template::{Env, PostRender},
    };

    fn file(path: &str, text: &str) -> RenderedFile {
        RenderedFile { path: path.into(), text: Arc::new(text.to_owned()), is_utf8: true, parts: Vec::new() }
    }

    /// What `annotateAndMerge` makes of files, by kyaml 0.21.1: documents of public charts and odd ones, with comments
    /// put in at random. Left out are texts that are broken twice (go-yaml may name the later place) and comments
    /// within keys of several lines, or behind directives.
    #[test]
    fn merges_as_helm_does() {
        for line in include_str!("tests/post_render.jsonl").lines() {
            let case: Value = serde_json::from_str(line).expect("a table of JSON");
            let text = case["text"].as_str().expect("text");
            let ours = merge(&[file("a/templates/b.yaml", text)]);
            let theirs = (case["merged"].as_str(), case["error"].as_str());
            assert_eq!((ours.as_deref().ok(), ours.as_deref().err().map(String::as_str)), theirs, "{text}");
        }
    }

    struct World(Box<PostRender>);

    impl Env for World {
        fn now(&self) -> i128 {
            0
        }

        fn random(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }

        fn post_renderer(&self) -> Option<&PostRender> {
            Some(&*self.0)
        }
    }

    #[track_caller]
    fn check(
        post_renderer: impl Fn(&str) -> Result<String, String> + Send + Sync + 'static,
        expected: &[(&str, &str)],
    ) {
        let files = vec![
            file("c/templates/_help.tpl", "not: given"),
            file("c/templates/a.yaml", "a: 1\n---\na: 2\n"),
            file("c/templates/b.yaml", "  \n"),
            file("c/templates/c.yaml", "\n---\nc: 3"),
        ];
        let ours = match apply(files, &World(Box::new(post_renderer))) {
            Ok(files) => files.iter().map(|file| (file.path.to_string(), file.text.to_string())).collect(),
            Err(error) => vec![(String::new(), error.message)],
        };
        let ours: Vec<_> = ours.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(ours, expected);
    }

    #[test]
    fn files_come_back_under_their_names() {
        let keep = |manifests: &str| Ok(manifests.to_owned());
        check(keep, &[("c/templates/a.yaml", "a: 1\n---\na: 2\n"), ("c/templates/c.yaml", "c: 3\n")]);
        let add = |manifests: &str| Ok(format!("new: 4\n---\n{manifests}---\nnew: 5\n"));
        let added = [
            ("c/templates/a.yaml", "a: 1\n---\na: 2\n"),
            ("c/templates/c.yaml", "c: 3\n"),
            ("generated-by-postrender-0.yaml", "new: 4\n"),
            ("generated-by-postrender-4.yaml", "new: 5\n"),
        ];
        check(add, &added);
    }

    #[test]
    fn failures_are_in_helms_words() {
        let fail = |_: &str| Err("no".to_owned());
        check(fail, &[("", "error while running post render on files: no")]);
        let broken = |_: &str| Ok("a: [b\n".to_owned());
        let words = "error while parsing post rendered output: error parsing YAML: MalformedYAMLError: \
            yaml: line 1: did not find expected ',' or ']'";
        check(broken, &[("", words)]);
        let separator = |_: &str| Ok("a: b\n---foo\nc: d\n".to_owned());
        let words = "error while parsing post rendered output: error parsing YAML: invalid document separator: ---foo";
        check(separator, &[("", words)]);
    }
}
