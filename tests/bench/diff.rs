//! Reading, writing and comparing manifests of about 5 MB: `cargo bench --bench diff`.

use pilothouse::{
    diff::{self, Change, Redactor},
    manifest::{self, Object},
    yaml,
};

fn main() {
    divan::main();
}

/// What a large chart holds: custom resource definitions of some size, dashboards, and many small objects.
fn large(image: &str) -> String {
    let mut manifest = String::new();
    for index in 0..60 {
        manifest += &format!(
            "---\n# Source: large/crds/{index}.yaml\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
             metadata:\n  name: kind{index}.example.com\nspec:\n  group: example.com\n  versions:\n  - name: v1\n    schema:\n      openAPIV3Schema:\n        properties:\n"
        );
        for field in 0..300 {
            manifest += &format!(
                "          field{field}:\n            description: |-\n              What the field number {field} of a kind is for, and\n              what happens when it is left out: \"nothing\".\n\
                 \x20           type: string\n            maxLength: {field}\n            x-kubernetes-list-type: atomic\n"
            );
        }
    }
    for index in 0..400 {
        manifest += &format!(
            "---\n# Source: large/templates/{index}.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{index}\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n      - name: web\n        image: {image}\n        env:\n        - name: MODE\n          value: \"yes\"\n"
        );
    }
    manifest
}

fn pair() -> (Vec<Object>, Vec<Object>) {
    let read = |image| manifest::read(&large(image)).expect("a manifest");
    (read("registry/web:1.0"), read("registry/web:1.1"))
}

fn redactor() -> Redactor {
    Redactor::new([1; 32])
}

#[divan::bench]
fn read(bencher: divan::Bencher) {
    let text = large("registry/web:1.0");
    bencher.counter(divan::counter::BytesCount::of_str(&text)).bench(|| manifest::read(&text));
}

#[divan::bench]
fn write(bencher: divan::Bencher) {
    let (objects, _) = pair();
    let bytes: usize = objects.iter().map(|object| yaml::to_string(&object.value).len()).sum();
    bencher
        .counter(divan::counter::BytesCount::new(bytes))
        .bench(|| objects.iter().map(|object| yaml::to_string(&object.value).len()).sum::<usize>());
}

/// What opening a diff takes: pairing, texts, weight and summary of all, hunks of what changed.
#[divan::bench]
fn open(bencher: divan::Bencher) {
    let (old, new) = pair();
    bencher.bench(|| {
        let diffs = diff::objects(&old, &new, &redactor());
        let changed = diffs.iter().filter(|diff| diff.change != Change::None);
        changed.map(|diff| diff::hunks(&diff.old_text, &diff.new_text, 3).len()).sum::<usize>()
    });
}

/// The hunks of the largest object, of which a line in the middle changed.
#[divan::bench]
fn hunks(bencher: divan::Bencher) {
    let (objects, _) = pair();
    let old = yaml::to_string(&objects[0].value);
    let new = old.replace("maxLength: 150", "maxLength: 151");
    bencher.bench(|| diff::hunks(&old, &new, 3));
}
