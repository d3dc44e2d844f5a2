//! Preparing an upgrade (helm/helm `pkg/action/upgrade.go`).

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Prepared, Recorded, Source,
    content::{defined_versions, definitions, render},
    history_or_none, namespace_of, namespaced,
    objects::{check_kinds, deletion_baseline, existing, missing_from, originals, target_objects},
    valid_name,
};
use crate::{
    chart::Chart,
    engine::{
        Crds, Error, Operation, Options, Reuse,
        objects::{defined_kinds, key_in},
        record, recreate, world,
    },
    manifest::{self, Object},
    release::{self, Info, RecordMeta, Release, Status, Storage},
    render::ReleaseFacts,
    values::{self, Notice, Nulls, Values},
};

/// Prepares an upgrade of `name` in the storage's namespace. No writes.
///
/// # Errors
/// [`Error::Render`]; [`Error::Refused`] in Helm's words: nothing is deployed, another operation holds the release,
/// the chart does not fit the cluster, an object exists and is another's.
pub async fn prepare_upgrade(
    storage: &Storage,
    name: &str,
    mut source: Source,
    options: &Options,
) -> Result<Prepared, Error> {
    if !valid_name(name) {
        return Err(Error::Refused(format!("release name is invalid: {name}")));
    }
    let storage = &namespaced(storage);
    let history = history_or_none(storage, name).await?;
    let newest = history.last().cloned().ok_or_else(|| release::Error::NoDeployed(name.to_owned()))?;
    if newest.status.is_pending() {
        let message = "another operation (install/upgrade/rollback) is in progress".to_owned();
        return Err(Error::Failed { message, hints: record::hints(storage, &newest) });
    }
    let last = storage.decode(&newest).await?;
    let from = in_force(storage, &history).await?;
    let namespace = namespace_of(&from.release, storage);

    let mut log = Vec::new();
    reuse_values(&mut source, &from.release, options.reuse, &mut log)?;
    let revision = newest.revision + 1;
    let order = super::order(&source.chart, options)?;
    let mut capabilities = world::capabilities(storage.cluster()).await?;
    if options.crds == Crds::Apply {
        capabilities.api_versions.extend(defined_versions(&source.chart, &source.values));
    }
    let mut content = render(source, facts(name, &namespace, revision), capabilities).await?;
    super::check_labels(&options.labels)?;
    let method = options.server_side.method(last.apply_method.unwrap_or_default());
    let mut next = Release {
        name: name.to_owned(),
        namespace: namespace.clone(),
        revision,
        info: Info {
            first_deployed: from.release.info.first_deployed.clone(),
            status: Status::PendingUpgrade,
            description: "Preparing upgrade".to_owned(),
            ..Info::default()
        },
        labels: merged_labels(&last.labels, &options.labels),
        apply_method: Some(method),
        ..Release::default()
    };
    content.fill(&mut next);
    log.append(&mut content.log);

    let mut warnings = Vec::new();
    let mut originals = originals(&from.release)?;
    let objects = target_objects(&next, "unable to build kubernetes objects from new release manifest")?;
    recreate::check(options, revision, &objects)?;
    let (definitions, left_alone) = match options.crds {
        Crds::Apply => (definitions(&content.crds)?, Vec::new()),
        Crds::Install => (Vec::new(), content.crds),
        Crds::Skip => (Vec::new(), Vec::new()),
    };
    let own = objects.iter().chain(definitions.iter().flat_map(|(_, objects)| objects));
    check_kinds(storage.cluster(), &objects, &defined_kinds(own), "").await?;
    let recorded: Vec<_> = originals.iter().map(|object| key_in(object, &namespace)).collect();
    let new: Vec<_> =
        objects.iter().filter(|object| !recorded.contains(&key_in(object, &namespace))).cloned().collect();
    let adopted = existing(storage.cluster(), &new, &next, options.take_ownership).await;
    originals.extend(adopted.map_err(|error| error.context("unable to continue with update"))?);
    if !(definitions.is_empty() && left_alone.is_empty()) {
        originals.extend(recorded_definitions(&from.release));
    }
    let baseline = deletion_baseline(storage, &history, &mut warnings).await;
    let deletions = missing_from(&objects, &baseline, &namespace, &mut warnings);
    Ok(Prepared {
        newest: Some(newest),
        method_switch: method != from.release.apply_method.unwrap_or_default(),
        from: Some(from),
        history,
        definitions,
        left_alone,
        objects,
        order,
        deletions,
        originals,
        warnings,
        log,
        ..Prepared::of(Operation::Upgrade, Arc::new(next.clone()), next, options)
    })
}

/// The definitions of the chart that a revision holds; those of its sub-charts are not recorded.
fn recorded_definitions(from: &Release) -> Vec<Object> {
    let files = from.chart.files().into_iter().filter(|(path, _)| path.starts_with("crds/"));
    files.flat_map(|(_, text)| manifest::read(&text).unwrap_or_default()).collect()
}

/// The revision that an upgrade starts from: the newest where it is deployed, else the newest deployed one, else, after
/// failures only, the newest.
pub(in crate::engine) async fn in_force(storage: &Storage, history: &[RecordMeta]) -> Result<Recorded, Error> {
    let newest = history.last().ok_or(release::Error::NotFound)?;
    let deployed = history.iter().rev().find(|meta| meta.status == Status::Deployed);
    let meta = match deployed {
        Some(deployed) => deployed,
        None if matches!(newest.status, Status::Failed | Status::Superseded) => newest,
        None => return Err(release::Error::NoDeployed(newest.name.clone()).into()),
    };
    Ok(Recorded { release: storage.decode(meta).await?, meta: meta.clone() })
}

fn facts(name: &str, namespace: &str, revision: u32) -> ReleaseFacts {
    ReleaseFacts {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        revision,
        is_install: false,
        is_upgrade: true,
    }
}

/// Labels of the newest revision under those given now, without those that are `null`.
fn merged_labels(last: &BTreeMap<String, String>, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = last.clone();
    labels.extend(given.iter().map(|(key, value)| (key.clone(), value.clone())));
    labels.retain(|_, value| value != "null");
    labels
}

/// Keeps of the values given before what is asked for.
fn reuse_values(source: &mut Source, from: &Release, reuse: Reuse, log: &mut Vec<Notice>) -> Result<(), Error> {
    match reuse {
        Reuse::Reset => {}
        Reuse::Values => {
            source.chart.values = rebuilt(from, log)?;
            source.values = below(&source.values, &from.config, log);
        }
        Reuse::OverNewDefaults => source.values = below(&source.values, &from.config, log),
        Reuse::WhenNoneGiven => {
            if source.values.is_empty() {
                source.values = from.config.clone();
            }
        }
    }
    Ok(())
}

/// Everything that the templates of a revision saw as values.
fn rebuilt(from: &Release, log: &mut Vec<Notice>) -> Result<Values, Error> {
    let refused = |why: String| Error::Refused(format!("failed to rebuild old values: {why}"));
    let json = from.chart.raw().unwrap_or("{}");
    let chart = Chart::from_record(json.as_bytes()).map_err(|error| refused(error.to_string()))?;
    let values = values::from_json(&from.config);
    values::coalesce(&chart, &values, Nulls::Remove, log).map_err(refused)?;
    Ok(values::to_json(&values))
}

fn below(over: &Values, base: &Values, log: &mut Vec<Notice>) -> Values {
    let over = values::from_json(over);
    values::coalesce_tables(&over, &values::from_json(base), Nulls::Remove, log);
    values::to_json(&over)
}
