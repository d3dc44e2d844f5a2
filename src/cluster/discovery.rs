//! Which kinds a server offers. Aggregated discovery when offered; cached.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{Cluster, Error, ErrorKind, read::bounded, shared::Shared};

/// Both discovery documents in one request each, where the server can (Kubernetes 1.26 and later).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// A kind that is missing is looked for again when the knowledge is older than this: a CRD may have come.
const STALE: Duration = Duration::from_secs(5);

/// One served kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// Group, empty for core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural resource name as in URLs.
    pub plural: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Verbs offered.
    pub verbs: Vec<String>,
}

impl ResourceType {
    /// `group/version`, or `version` for core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// What was discovered so far.
#[derive(Default)]
pub struct Cache {
    snapshot: Shared<Snapshot>,
}

/// All served kinds at one time.
struct Snapshot {
    /// In the server's order of preference within a group.
    resources: Vec<ResourceType>,
    /// Places in `resources` by group and kind.
    by_kind: HashMap<(String, String), Vec<usize>>,
    /// Group versions whose server did not answer, an aggregated API that is down.
    broken: Vec<String>,
    taken: Instant,
}

impl Snapshot {
    fn new(resources: Vec<ResourceType>, broken: Vec<String>) -> Self {
        let mut by_kind: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, resource) in resources.iter().enumerate() {
            by_kind.entry((resource.group.clone(), resource.kind.clone())).or_default().push(place);
        }
        Self { resources, by_kind, broken, taken: Instant::now() }
    }

    fn versions(&self, group: &str, kind: &str) -> impl Iterator<Item = &ResourceType> {
        let places = self.by_kind.get(&(group.to_owned(), kind.to_owned()));
        places.into_iter().flatten().filter_map(|&place| self.resources.get(place))
    }

    fn exact(&self, api_version: &str, kind: &str) -> Result<ResourceType, Error> {
        let (group, version) = split(api_version);
        if let Some(found) = self.versions(group, kind).find(|resource| resource.version == version) {
            return Ok(found.clone());
        }
        if self.broken.iter().any(|broken| broken == api_version) {
            return Err(unavailable(api_version));
        }
        Err(self.no_kind(format!("no matches for kind {kind:?} in version {api_version:?}"), group, kind))
    }

    fn preferred(&self, group: &str, kind: &str) -> Result<ResourceType, Error> {
        if let Some(found) = self.versions(group, kind).next() {
            return Ok(found.clone());
        }
        if let Some(broken) = self.broken.iter().find(|broken| split(broken).0 == group) {
            return Err(unavailable(broken));
        }
        Err(self.no_kind(format!("no matches for kind {kind:?} in group {group:?}"), group, kind))
    }

    /// Helm's words, and what may have been meant.
    fn no_kind(&self, message: String, group: &str, kind: &str) -> Error {
        let hint = nearest_kind(&self.resources, group, kind)
            .map(|near| format!("the server has kind {:?} in version {:?}", near.kind, near.api_version()));
        Error::new(ErrorKind::NoKind, message).with_details(hint)
    }
}

/// The name that comes closest to one that is not there.
pub fn nearest<'a>(names: &[&'a str], wanted: &str) -> Option<&'a str> {
    let alike = |name: &&str| similar::TextDiff::from_chars(*name, wanted).ratio();
    let best = names.iter().copied().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(&best) > 0.7).then_some(best)
}

/// The served kind that comes closest to one that is not: another version, another group, a misspelling.
pub fn nearest_kind<'a>(resources: &'a [ResourceType], group: &str, kind: &str) -> Option<&'a ResourceType> {
    let likeness = |resource: &ResourceType| -> f32 {
        let name = similar::TextDiff::from_chars(resource.kind.to_lowercase(), kind.to_lowercase()).ratio();
        if resource.group == group { name + 0.1 } else { name }
    };
    let mut best: Option<(f32, &ResourceType)> = None;
    for resource in resources {
        let likeness = likeness(resource);
        if likeness > best.map_or(0.85, |(best, _)| best) {
            best = Some((likeness, resource));
        }
    }
    best.map(|(_, resource)| resource)
}

impl Cluster {
    /// The served kind for an `apiVersion` and `kind`; `NoKind` when this very version is not served.
    pub async fn resource(&self, api_version: &str, kind: &str) -> Result<ResourceType, Error> {
        self.look_up(|snapshot| snapshot.exact(api_version, kind)).await
    }

    /// The preferred served version of a group and kind, for stored objects whose version is gone.
    pub async fn resource_any_version(&self, group: &str, kind: &str) -> Result<ResourceType, Error> {
        self.look_up(|snapshot| snapshot.preferred(group, kind)).await
    }

    /// Every served kind.
    pub async fn resources(&self) -> Result<Vec<ResourceType>, Error> {
        Ok(self.snapshot().await?.resources.clone())
    }

    /// Forgets what was discovered (a CRD came or went).
    pub fn refresh_discovery(&self) {
        self.discovery().snapshot.forget_if(|_| true);
    }

    async fn look_up(&self, find: impl Fn(&Snapshot) -> Result<ResourceType, Error>) -> Result<ResourceType, Error> {
        let found = find(&*self.snapshot().await?);
        if !matches!(&found, Err(error) if error.kind == ErrorKind::NoKind) {
            return found;
        }
        self.discovery().snapshot.forget_if(|snapshot| snapshot.taken.elapsed() > STALE);
        find(&*self.snapshot().await?)
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        self.discovery().snapshot.get(|| self.discover()).await
    }

    async fn discover(&self) -> Result<Snapshot, Error> {
        let (core, groups) = futures::try_join!(
            self.get_json_as::<Document>("/api", AGGREGATED),
            self.get_json_as::<Document>("/apis", AGGREGATED)
        )?;
        let mut resources = Vec::new();
        let mut broken = Vec::new();
        let mut classic = Vec::new();
        for document in [core, groups] {
            match document {
                Document::Aggregated { items } => {
                    for group in items {
                        group.collect(&mut resources, &mut broken);
                    }
                }
                Document::Core { versions } => classic.extend(versions),
                Document::Groups { groups } => classic.extend(groups.into_iter().flat_map(Group::by_preference)),
            }
        }
        self.discover_classic(&classic, &mut resources, &mut broken).await?;
        Ok(Snapshot::new(resources, broken))
    }

    /// One request a group version. A broken one spares the others; when all are, the error is told.
    async fn discover_classic(
        &self,
        api_versions: &[String],
        resources: &mut Vec<ResourceType>,
        broken: &mut Vec<String>,
    ) -> Result<(), Error> {
        let lists = bounded(api_versions.iter().map(|api_version| self.classic_list(api_version))).await;
        for (api_version, list) in api_versions.iter().zip(lists) {
            match list? {
                Some(list) => list.collect(api_version, resources),
                None => broken.push(api_version.clone()),
            }
        }
        Ok(())
    }

    /// The kinds of one group version; `None` when its server is in trouble.
    async fn classic_list(&self, api_version: &str) -> Result<Option<ResourceList>, Error> {
        let root = if api_version.contains('/') { "/apis" } else { "/api" };
        match self.get_json(&format!("{root}/{api_version}")).await {
            Ok(list) => Ok(Some(list)),
            Err(error) if error.code == 0 || error.kind == ErrorKind::Unauthorized => Err(error),
            Err(_) => Ok(None),
        }
    }
}

fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// client-go's words (`discovery/discovery_client.go`, `ErrGroupDiscoveryFailed`).
fn unavailable(api_version: &str) -> Error {
    let message = format!(
        "unable to retrieve the complete list of server APIs: {api_version}: stale GroupVersion discovery: {api_version}"
    );
    Error::new(ErrorKind::Other, message)
}

/// What `/api` and `/apis` answer: aggregated where offered, otherwise one of the classic two.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Aggregated { items: Vec<AggregatedGroup> },
    Groups { groups: Vec<Group> },
    Core { versions: Vec<String> },
}

#[derive(Deserialize)]
struct AggregatedGroup {
    #[serde(default)]
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<AggregatedVersion>,
}

/// The core group has no name.
#[derive(Default, Deserialize)]
struct GroupName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct AggregatedVersion {
    version: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource {
    resource: String,
    response_kind: Option<ResponseKind>,
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}

impl AggregatedGroup {
    fn collect(self, resources: &mut Vec<ResourceType>, broken: &mut Vec<String>) {
        let group = self.metadata.name;
        for version in self.versions {
            let api_version =
                if group.is_empty() { version.version.clone() } else { format!("{group}/{}", version.version) };
            if version.freshness == "Stale" && version.resources.is_empty() {
                broken.push(api_version);
                continue;
            }
            for resource in version.resources {
                // A resource that only has subresources has no kind of its own.
                let Some(kind) = resource.response_kind.map(|kind| kind.kind).filter(|kind| !kind.is_empty()) else {
                    continue;
                };
                resources.push(ResourceType {
                    group: group.clone(),
                    version: version.version.clone(),
                    kind,
                    plural: resource.resource,
                    namespaced: resource.scope == "Namespaced",
                    verbs: resource.verbs,
                });
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    versions: Vec<GroupVersion>,
    preferred_version: Option<GroupVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupVersion {
    group_version: String,
}

impl Group {
    fn by_preference(self) -> Vec<String> {
        let preferred = self.preferred_version.map(|version| version.group_version);
        let mut versions: Vec<_> = self.versions.into_iter().map(|version| version.group_version).collect();
        versions.sort_by_key(|version| Some(version) != preferred.as_ref());
        versions
    }
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<ClassicResource>,
}

#[derive(Deserialize)]
struct ClassicResource {
    name: String,
    kind: String,
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
}

impl ResourceList {
    fn collect(self, api_version: &str, resources: &mut Vec<ResourceType>) {
        let (group, version) = split(api_version);
        // `pods/log` and the like are subresources.
        for resource in self.resources.into_iter().filter(|resource| !resource.name.contains('/')) {
            resources.push(ResourceType {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: resource.kind,
                plural: resource.name,
                namespaced: resource.namespaced,
                verbs: resource.verbs,
            });
        }
    }
}
