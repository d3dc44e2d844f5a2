//! Definitions in `crds/` on every Kubernetes API: left alone by an upgrade and told of, or applied where asked.

use std::path::Path;

use pilothouse::{
    chart::Chart,
    cluster::Cluster,
    diff::{Change, Redactor},
    engine::{
        Basis, Crds, Error, Options, Outcome, Preview, Request, Source, execute, prepare, preview,
        world::{World, Zone},
    },
    manifest::Object,
    release::{ApplyMethod, Driver, Status, Storage},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::silent;

/// The chart `gadget` in a group named after the namespace, so that tests do not meet.
struct Gadget<'a> {
    storage: Storage,
    namespace: &'a str,
    options: Options,
}

/// What is done to the texts of the chart.
type Edit<'a> = &'a [(&'a str, &'a str)];

/// A field more, and a version more, which is stored from now on.
const SECOND: Edit = &[
    ("    storage: true", "    storage: false"),
    ("colour: {type: string}", "colour: {type: string}\n              weight: {type: integer}"),
    (
        "  versions:\n",
        "  versions:\n  - name: v2\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}, weight: {type: integer}}}}}\n",
    ),
];

impl<'a> Gadget<'a> {
    fn new(cluster: Cluster, namespace: &'a str, method: ApplyMethod) -> Self {
        let server_side = match method {
            ApplyMethod::ServerSide => pilothouse::engine::ServerSideMode::True,
            ApplyMethod::ClientSide => pilothouse::engine::ServerSideMode::False,
        };
        let options = Options { server_side, ..Options::default() };
        Self { storage: Storage::new(cluster, Driver::Secrets, namespace), namespace, options }
    }

    fn source(&self, definition: Edit, template: Edit) -> Box<Source> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts/gadget");
        let mut chart = Chart::load(&folder).expect("a chart");
        let group = [("test.pilothouse.example", format!("{}.example", self.namespace))];
        let edit = |data: &[u8], edits: Edit| -> bytes::Bytes {
            let mut text = String::from_utf8(data.to_vec()).expect("text");
            for (from, to) in edits.iter().copied().chain(group.iter().map(|(from, to)| (*from, to.as_str()))) {
                assert!(text.contains(from), "no {from:?} in {text}");
                text = text.replace(from, to);
            }
            text.into()
        };
        chart.files.iter_mut().filter(|file| file.name.starts_with("crds/")).for_each(|file| {
            file.data = edit(&file.data, definition);
        });
        chart.templates.iter_mut().for_each(|file| file.data = edit(&file.data, template));
        Box::new(Source {
            chart,
            values: Default::default(),
            world: World::new(&Zone::System),
            skip_schema_validation: false,
            sub_chart_notes: false,
            hide_secrets: false,
        })
    }

    async fn run(&self, request: Request, crds: Crds) -> (Preview, Result<Outcome, Error>) {
        let options = Options { crds, ..self.options.clone() };
        let prepared = prepare(&self.storage, "web", request, &options).await.expect("it is prepared");
        let preview = preview(&self.storage, &prepared, &Redactor::new([7; 32])).await.expect("a preview");
        let basis = Basis { conflicts: Vec::new(), ..preview.basis.clone() };
        let cancel = CancellationToken::new();
        let done = execute(&self.storage, prepared, Some(&basis), &silent(), &cancel).await;
        (preview, done)
    }

    async fn live(&self, api_version: &str, kind: &str, name: &str) -> Option<Object> {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
        let target = self.storage.cluster().target(&Object::new(object), self.namespace).await.expect("a served kind");
        self.storage.cluster().get(&target).await.expect("readable")
    }

    /// The definition's name, as risks call it.
    fn label(&self) -> String {
        format!("CustomResourceDefinition/gadgets.{}.example", self.namespace)
    }

    async fn definition(&self) -> Value {
        let name = format!("gadgets.{}.example", self.namespace);
        let live = self.live("apiextensions.k8s.io/v1", "CustomResourceDefinition", &name).await;
        live.expect("it is there").value
    }

    /// The names of its versions.
    async fn versions(&self) -> Vec<String> {
        let definition = self.definition().await;
        let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
        versions.map(|version| version["name"].as_str().expect("a name").to_owned()).collect()
    }
}

fn told(preview: &Preview, code: &str) -> Vec<String> {
    preview.risks.iter().filter(|risk| risk.code == code).map(|risk| risk.message.clone()).collect()
}

fn change(preview: &Preview, kind: &str) -> Option<Change> {
    preview.objects.iter().find(|object| object.target.key.kind == kind).map(|object| object.change)
}

/// An upgrade leaves a definition alone and says how it differs; with `--crds=apply` it comes first, is established and
/// discovered, and objects of its new version follow in the same upgrade.
pub async fn a_definition_is_applied_only_when_asked(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let gadget = Gadget::new(cluster, namespace, method);
    let (preview, done) = gadget.run(Request::Install(gadget.source(&[], &[])), Crds::Install).await;
    done.expect("it installs");
    assert_eq!(change(&preview, "CustomResourceDefinition"), Some(Change::Create));
    let before = gadget.definition().await["metadata"]["resourceVersion"].clone();

    let (preview, done) = gadget.run(Request::Upgrade(gadget.source(SECOND, &[])), Crds::Install).await;
    done.expect("it upgrades");
    let differing: Vec<&str> = preview.definitions.iter().map(|diff| diff.key.name.as_str()).collect();
    assert_eq!(differing, [format!("gadgets.{namespace}.example")]);
    assert!(preview.definitions[0].new_text.contains("weight"), "{}", preview.definitions[0].new_text);
    let [risk] = &told(&preview, "crd-left-alone")[..] else { panic!("{:?}", preview.risks) };
    assert!(risk.starts_with(&format!("{} differs from the chart's (spec.versions", gadget.label())), "{risk}");
    assert!(risk.ends_with("and is not changed unless --crds=apply is given"), "{risk}");
    assert_eq!(change(&preview, "CustomResourceDefinition"), None);
    assert_eq!(gadget.definition().await["metadata"]["resourceVersion"], before, "it is left alone");

    let template =
        &[("example/v1", "example/v2"), ("colour: {{ .Values.colour }}", "weight: 7"), ("parts: [wheel, axle]", "")];
    let (preview, done) = gadget.run(Request::Upgrade(gadget.source(SECOND, template)), Crds::Apply).await;
    done.expect("it upgrades");
    assert_eq!(change(&preview, "CustomResourceDefinition"), Some(Change::Update));
    assert!(preview.definitions.is_empty() && told(&preview, "crd-left-alone").is_empty(), "{:?}", preview.risks);
    let words = "Gadget/web cannot be foreseen: the definition of its kind changes first";
    assert_eq!(told(&preview, "unverifiable"), [words]);
    assert_eq!(gadget.versions().await, ["v2", "v1"]);
    let live = gadget.live(&format!("{namespace}.example/v2"), "Gadget", "web").await.expect("it is there");
    assert_eq!(live.value["spec"]["weight"], 7, "the schema has the field already");

    let (preview, done) = gadget.run(Request::Upgrade(gadget.source(SECOND, template)), Crds::Apply).await;
    done.expect("it upgrades");
    assert_eq!(change(&preview, "CustomResourceDefinition"), Some(Change::None), "the same again changes nothing");

    let (_, done) = gadget.run(Request::Uninstall, Crds::Apply).await;
    done.expect("it uninstalls");
    assert_eq!(gadget.versions().await, ["v2", "v1"], "definitions are never deleted");
}

/// A version in which objects are stored is missed before the server does; where it refuses, nothing else was applied.
pub async fn a_stored_version_is_missed(cluster: Cluster, namespace: &str, method: ApplyMethod, refuses: bool) {
    let gadget = Gadget::new(cluster, namespace, method);
    gadget.run(Request::Install(gadget.source(&[], &[])), Crds::Install).await.1.expect("it installs");
    let renamed = &[("  - name: v1\n", "  - name: v3\n")];
    let (preview, done) = gadget.run(Request::Upgrade(gadget.source(renamed, &[])), Crds::Apply).await;
    let [risk] = &told(&preview, "crd-stored-versions")[..] else { panic!("{:?}", preview.risks) };
    assert!(risk.starts_with(&format!("{} loses v1, in which objects may be stored", gadget.label())), "{risk}");
    if !refuses {
        return;
    }
    let message = done.expect_err("the server refuses").to_string();
    assert!(message.starts_with("failed to apply CRD crds/gadgets.yaml: "), "{message}");
    assert!(message.contains("must remain in spec.versions"), "{message}");
    assert_eq!(told(&preview, "refused").len(), 1, "{:?}", preview.risks);
    assert_eq!(gadget.versions().await, ["v1"]);
    let newest = gadget.storage.history("web").await.expect("its history").pop().expect("a record");
    assert_eq!(newest.status, Status::Failed);
}
