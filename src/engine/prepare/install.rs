//! Preparing an install (helm/helm `pkg/action/install.go`).

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Prepared, Source,
    content::{Content, defined_versions, definitions, render},
    namespaced,
    objects::{check_kinds, existing, target_objects},
    valid_name,
};
use crate::{
    cluster::Cluster,
    engine::{
        Crds, Error, Operation, Options,
        objects::{defined_kinds, resource_string},
        record, world,
    },
    manifest::{self, Object},
    release::{ApplyMethod, Info, RecordMeta, Release, Status, Storage},
    render::ReleaseFacts,
};

/// What a release's name must be (helm/helm `pkg/chart/v2/util/validate_name.go`).
const NAME: &str = r"invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53";

const BUILD: &str = "unable to build kubernetes objects from release manifest";
const CONTINUE: &str = "unable to continue with install";

/// Prepares an install of `name` into the storage's namespace. No writes.
///
/// # Errors
/// [`Error::Render`]; [`Error::Refused`] in Helm's words: the name is taken, the chart does not fit the cluster,
/// an object exists and is another's.
pub async fn prepare_install(
    storage: &Storage,
    name: &str,
    source: Source,
    options: &Options,
) -> Result<Prepared, Error> {
    check_name(name)?;
    let storage = &namespaced(storage);
    // Who may not list records may create one all the same, as with Helm; a name that is in use is found out then.
    let history = storage.history(name).await.unwrap_or_default();
    check_free(storage, history.last(), options)?;
    let namespace = storage.namespace().to_owned();
    let mut capabilities = world::capabilities(storage.cluster()).await?;
    if options.crds != Crds::Skip {
        capabilities.api_versions.extend(defined_versions(&source.chart, &source.values));
    }
    let order = super::order(&source.chart, options)?;
    let mut content = render(source, facts(name, &namespace), capabilities).await?;
    let definitions = if options.crds == Crds::Skip { Vec::new() } else { definitions(&content.crds)? };
    let replaced = history.last().filter(|_| !options.dry_run);
    let revision = replaced.map_or(1, |newest| newest.revision + 1);
    let next = first_release(name, &namespace, revision, &mut content, options)?;

    let objects = target_objects(&next, BUILD)?;
    let own = objects.iter().chain(definitions.iter().flat_map(|(_, objects)| objects));
    check_kinds(storage.cluster(), &objects, &defined_kinds(own), BUILD).await?;
    let adopted = existing(storage.cluster(), &objects, &next, options.take_ownership).await;
    let originals = adopted.map_err(|error| error.context(CONTINUE))?;
    Ok(Prepared {
        newest: history.last().cloned(),
        history,
        definitions,
        objects,
        order,
        originals,
        log: content.log,
        ..Prepared::of(Operation::Install, Arc::new(next.clone()), next, options)
    })
}

/// What an install would record, as a dry run shows it, without a cluster (`--dry-run=client`): nothing is asked, and nobody's objects are looked at.
///
/// # Errors
/// As [`prepare_install`], as far as they can be told.
pub async fn offline_install(
    name: &str,
    namespace: &str,
    source: Source,
    capabilities: crate::render::Capabilities,
    options: &Options,
) -> Result<(Release, Vec<crate::values::Notice>), Error> {
    check_name(name)?;
    super::order(&source.chart, options)?;
    let mut content = render(source, facts(name, namespace), capabilities).await?;
    let next = first_release(name, namespace, 1, &mut content, options)?;
    target_objects(&next, BUILD)?;
    Ok((super::rehearsed(next, ""), content.log))
}

/// Whether the server could take what `template --dry-run=server` rendered. It is asked only which kinds it serves and
/// whose the objects are: like Helm, nothing is sent, so unknown fields are found by nobody here.
///
/// # Errors
/// Helm's words for kinds that are not served, all of them, and for an object that is another's.
pub async fn check_rendered(
    cluster: &Cluster,
    release: &ReleaseFacts,
    manifest: &str,
    take_ownership: bool,
) -> Result<(), Error> {
    let refused = |why: String| Err(Error::Refused(why));
    let objects = match manifest::read(manifest) {
        Ok(objects) => objects,
        Err(error) => return refused(format!("{BUILD}: {error}")),
    };
    check_kinds(cluster, &objects, &BTreeSet::new(), BUILD).await?;
    if release.is_upgrade {
        return Ok(());
    }
    let subject = Release { name: release.name.clone(), namespace: release.namespace.clone(), ..Release::default() };
    let is_generated =
        |object: &Object| object.value["metadata"]["generateName"].as_str().is_some_and(|name| !name.is_empty());
    let objects: Vec<Object> =
        objects.into_iter().filter(|object| !(object.name().is_empty() && is_generated(object))).collect();
    let nameless = objects.iter().position(|object| object.name().is_empty());
    let named = &objects[..nameless.unwrap_or(objects.len())];
    existing(cluster, named, &subject, take_ownership).await.map_err(|error| error.context(CONTINUE))?;
    if let Some(object) = nameless.and_then(|at| objects.get(at)) {
        let resource = resource_string(&cluster.target(object, &release.namespace).await?);
        let words = format!("could not get information about the resource {resource}: resource name may not be empty");
        return refused(format!("{CONTINUE}: {words}"));
    }
    Ok(())
}

/// Refuses what is no name of a release.
///
/// # Errors
/// Helm's words.
pub fn check_name(name: &str) -> Result<(), Error> {
    let refused = |why: &str| Err(Error::Refused(format!("release name check failed: release name {name:?}: {why}")));
    match name {
        "" => refused("no name provided"),
        name if !valid_name(name) => refused(NAME),
        _ => Ok(()),
    }
}

/// Whether the name may be used: by nobody, or with `--replace` by what failed or was uninstalled.
fn check_free(storage: &Storage, newest: Option<&RecordMeta>, options: &Options) -> Result<(), Error> {
    let replaceable = |meta: &RecordMeta| matches!(meta.status, Status::Uninstalled | Status::Failed);
    match newest {
        Some(newest) if !(options.dry_run || options.replace && replaceable(newest)) => {
            let message = "release name check failed: cannot reuse a name that is still in use".to_owned();
            Err(Error::Failed { message, hints: record::hints(storage, newest) })
        }
        _ => Ok(()),
    }
}

/// Templates always see the first revision, also where `--replace` makes it a later one.
fn facts(name: &str, namespace: &str) -> ReleaseFacts {
    ReleaseFacts {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        revision: 1,
        is_install: true,
        is_upgrade: false,
    }
}

fn first_release(
    name: &str,
    namespace: &str,
    revision: u32,
    content: &mut Content,
    options: &Options,
) -> Result<Release, Error> {
    super::check_labels(&options.labels)?;
    let mut next = Release {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        revision,
        info: Info {
            status: Status::PendingInstall,
            description: "Initial install underway".to_owned(),
            ..Info::default()
        },
        labels: options.labels.clone(),
        apply_method: Some(options.server_side.method(ApplyMethod::ServerSide)),
        ..Release::default()
    };
    content.fill(&mut next);
    Ok(next)
}
