//! Live reads: single, batched per kind, owned pods, namespaces.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Cluster, Error, ErrorKind,
    discovery::ResourceType,
    request::{collection_path, object_path, with_query},
};
use crate::manifest::{Object, ObjectKey};

/// Requests under way at once.
const CONCURRENCY: usize = 16;

/// From this many objects of a kind in a namespace, listing them is cheaper than reading each.
const LIST_FROM: usize = 4;

/// Objects a page when everything is listed, as kubectl's.
const PAGE: usize = 500;

/// A list of metadata alone.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// Where an object lives once scope is known: what a read or write needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// `apiVersion` to use on the wire.
    pub api_version: String,
    /// Identity with the namespace resolved: default filled in, dropped for cluster-scoped kinds.
    pub key: ObjectKey,
}

/// One namespace of the home screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceInfo {
    /// Name.
    pub name: String,
    /// `Active` or `Terminating`.
    pub phase: String,
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct List {
    #[serde(default)]
    pub(super) metadata: ListMeta,
    /// `null` in a list of metadata without any.
    #[serde(default)]
    items: Option<Vec<Value>>,
}

/// Where a list continues, and the state it shows.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ListMeta {
    r#continue: String,
    pub(super) resource_version: String,
}

impl List {
    /// The items; a server leaves out what each item's kind is.
    pub(super) fn objects(self, resource: &ResourceType) -> impl Iterator<Item = Object> {
        let api_version = resource.api_version();
        let kind = resource.kind.clone();
        self.items.into_iter().flatten().map(move |mut item| {
            if let Some(fields) = item.as_object_mut() {
                fields.entry("apiVersion").or_insert_with(|| Value::String(api_version.clone()));
                fields.entry("kind").or_insert_with(|| Value::String(kind.clone()));
            }
            Object::new(item)
        })
    }
}

impl Cluster {
    /// Resolves scope and namespace of a manifest's object. When its version is not served any more the
    /// served one of the same group and kind is used. `NoKind` when none is.
    pub async fn target(&self, object: &Object, default_namespace: &str) -> Result<Target, Error> {
        let resource = match self.resource(object.api_version(), object.kind()).await {
            Err(missing) if missing.kind == ErrorKind::NoKind => {
                self.resource_any_version(object.group(), object.kind()).await.map_err(|_| missing)?
            }
            found => found?,
        };
        let namespace = match (resource.namespaced, object.namespace()) {
            (false, _) => "",
            (true, "") => default_namespace,
            (true, own) => own,
        };
        let api_version = resource.api_version();
        let key = ObjectKey {
            group: resource.group,
            kind: resource.kind,
            namespace: namespace.to_owned(),
            name: object.name().to_owned(),
        };
        Ok(Target { api_version, key })
    }

    /// What tells this cluster from others, as far as it may be read: the UID of its namespace `kube-system`.
    pub async fn uid(&self) -> Result<Option<String>, Error> {
        match self.get_json::<Value>("/api/v1/namespaces/kube-system").await {
            Ok(namespace) => Ok(namespace["metadata"]["uid"].as_str().map(str::to_owned)),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Forbidden) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One live object, `None` when it does not exist.
    pub async fn get(&self, target: &Target) -> Result<Option<Object>, Error> {
        let resource = self.resource(&target.api_version, &target.key.kind).await?;
        let path = object_path(&resource, &target.key.namespace, &target.key.name);
        match self.get_json(&path).await {
            Ok(value) => Ok(Some(Object::new(value))),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Live objects for many targets, in their order; batched per kind and namespace where that is cheaper,
    /// at most 16 requests at once. One error per target, so a 403 on one kind spares the others.
    pub async fn get_many(&self, targets: &[Target]) -> Vec<Result<Option<Object>, Error>> {
        let mut groups: HashMap<(&str, &str, &str), Vec<&Target>> = HashMap::new();
        for target in targets {
            let group = (target.api_version.as_str(), target.key.kind.as_str(), target.key.namespace.as_str());
            groups.entry(group).or_default().push(target);
        }
        let batches = groups.into_values().filter(|batch| worth_listing(batch));
        let pages = bounded(batches.map(|batch| self.get_batch(batch))).await;
        let mut known: HashMap<&Target, Option<Object>> = pages.into_iter().flatten().collect();
        let answers = targets.iter().map(|target| (target, known.remove(target)));
        bounded(answers.map(|(target, known)| self.known_or_get(target, known))).await
    }

    async fn known_or_get(&self, target: &Target, known: Option<Option<Object>>) -> Result<Option<Object>, Error> {
        match known {
            Some(object) => Ok(object),
            None => self.get(target).await,
        }
    }

    /// What one page tells about targets of one kind and namespace; silent on the rest, also when listing is refused.
    async fn get_batch<'t>(&self, batch: Vec<&'t Target>) -> Vec<(&'t Target, Option<Object>)> {
        let Some(first) = batch.first() else {
            return Vec::new();
        };
        // A namespace may hold far more of a kind than we want; then reading each is cheaper than paging on.
        let limit = (batch.len() * 8).to_string();
        let Ok(resource) = self.resource(&first.api_version, &first.key.kind).await else {
            return Vec::new();
        };
        let path = with_query(&collection_path(&resource, &first.key.namespace), &[("limit", &limit)]);
        let Ok(list) = self.get_json::<List>(&path).await else {
            return Vec::new();
        };
        let complete = list.metadata.r#continue.is_empty();
        let mut found: HashMap<String, Object> =
            list.objects(&resource).map(|object| (object.name().to_owned(), object)).collect();
        batch
            .into_iter()
            .map(|target| (target, found.remove(&target.key.name)))
            .filter(|(_, object)| complete || object.is_some())
            .collect()
    }

    /// All objects of a kind in a namespace (all namespaces when empty), with a label selector.
    pub async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        labels: &str,
    ) -> Result<Vec<Object>, Error> {
        let resource = self.resource(api_version, kind).await?;
        let path = with_query(&collection_path(&resource, namespace), &[("labelSelector", labels)]);
        Ok(self.list_all(&resource, &path).await?.0)
    }

    /// Metadata of all objects with these labels: of every kind that can be listed and deleted, in a namespace and
    /// cluster-scoped, or everywhere when the namespace is empty. Beside them the kinds that could not be listed.
    ///
    /// # Errors
    /// Those of discovery.
    pub async fn labelled(&self, namespace: &str, labels: &str) -> Result<(Vec<Object>, Vec<String>), Error> {
        let mut seen = HashSet::new();
        let mut kinds = self.resources().await?;
        // The preferred version of a kind comes first. Events are many and nobody's.
        kinds.retain(|kind| {
            let can = |verb: &str| kind.verbs.iter().any(|known| known == verb);
            let first = seen.insert((kind.group.clone(), kind.kind.clone()));
            first && can("list") && can("delete") && kind.kind != "Event"
        });
        let lists = bounded(kinds.iter().map(|kind| self.metadata_of(kind, namespace, labels))).await;
        let (mut found, mut untold) = (Vec::new(), Vec::new());
        for (kind, list) in kinds.iter().zip(lists) {
            match list {
                Ok(objects) => found.extend(objects),
                Err(_) => untold.push(kind.kind.clone()),
            }
        }
        Ok((found, untold))
    }

    async fn metadata_of(&self, kind: &ResourceType, namespace: &str, labels: &str) -> Result<Vec<Object>, Error> {
        let path = with_query(&collection_path(kind, namespace), &[("labelSelector", labels)]);
        let list: List = self.get_json_as(&path, METADATA).await?;
        let objects = list.items.into_iter().flatten().map(|mut item| {
            item["apiVersion"] = kind.api_version().into();
            item["kind"] = kind.kind.clone().into();
            Object::new(item)
        });
        Ok(objects.collect())
    }

    /// Every page of a list, and the resourceVersion it shows.
    pub(super) async fn list_all(&self, resource: &ResourceType, path: &str) -> Result<(Vec<Object>, String), Error> {
        let mut objects = Vec::new();
        let mut token = String::new();
        let limit = PAGE.to_string();
        loop {
            let page = self.get_json::<List>(&with_query(path, &[("limit", &limit), ("continue", &token)])).await;
            let page = match page {
                // The list took longer than the server remembers: once more, in one piece.
                Err(error) if error.kind == ErrorKind::Gone && !token.is_empty() => {
                    objects.clear();
                    self.get_json::<List>(path).await?
                }
                page => page?,
            };
            token.clone_from(&page.metadata.r#continue);
            let version = page.metadata.resource_version.clone();
            objects.extend(page.objects(resource));
            if token.is_empty() {
                return Ok((objects, version));
            }
        }
    }

    /// All namespaces, sorted.
    pub async fn namespaces(&self) -> Result<Vec<NamespaceInfo>, Error> {
        let mut namespaces: Vec<_> = self
            .list("v1", "Namespace", "", "")
            .await?
            .iter()
            .map(|object| NamespaceInfo {
                name: object.name().to_owned(),
                phase: object.value["status"]["phase"].as_str().unwrap_or_default().to_owned(),
            })
            .collect();
        namespaces.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(namespaces)
    }
}

/// The results in order, with at most [`CONCURRENCY`] under way.
pub(crate) fn bounded<F: Future>(futures: impl Iterator<Item = F>) -> impl Future<Output = Vec<F::Output>> {
    // Collected at once: a lazy stream of borrowing closures is not `Send` to the compiler.
    let futures: Vec<F> = futures.collect();
    stream::iter(futures).buffered(CONCURRENCY).collect()
}

/// Secrets and ConfigMaps are left out: next to the few we want lie release records of a megabyte each.
fn worth_listing(batch: &[&Target]) -> bool {
    let bulky = |target: &&Target| matches!(target.key.kind.as_str(), "Secret" | "ConfigMap");
    batch.len() >= LIST_FROM && !batch.iter().any(bulky)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Screens and operations spawn these, so their futures must be `Send`.
    #[test]
    fn reads_can_be_spawned() {
        fn check<T: Send>(_future: impl Future<Output = T> + Send) {}
        fn all(cluster: &Cluster, target: &Target, object: &Object) {
            check(cluster.get(target));
            check(cluster.get_many(std::slice::from_ref(target)));
            check(cluster.target(object, ""));
            check(cluster.pods_of(object));
            check(cluster.owned_by(object));
            check(cluster.namespaces());
            check(cluster.resources());
            check(cluster.server_version());
            check(Cluster::connect(&crate::cluster::ConnectOptions::default()));
        }
        let _ = all;
    }
}
