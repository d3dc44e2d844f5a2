//! The world as templates see it: clock, randomness, names, the cluster.

use std::{
    cell::Cell,
    fs,
    net::ToSocketAddrs,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Error;
use crate::{
    chart,
    cluster::{self, Cluster, FetchError, fetch, read::Target},
    manifest::ObjectKey,
    render::{Capabilities, KubeVersion},
    template::{Env, PostRender},
};

/// How long a schema may take to come, as in Helm.
const SCHEMA_TIMEOUT: Duration = Duration::from_secs(15);

/// What stands behind a rendering.
#[derive(Clone, Default)]
pub struct World {
    /// The local time zone.
    pub zone: Zone,
    /// `--seed`: makes randomness the same every time.
    pub seed: Option<String>,
    /// `--enable-dns`.
    pub dns: bool,
    /// What `lookup` asks; without it there is no object. It blocks: such a rendering needs a thread of its own.
    pub cluster: Option<(Cluster, Handle)>,
    /// Ends the rendering early.
    pub cancel: CancellationToken,
    /// `--post-renderer`.
    pub post_renderer: Option<Arc<PostRender>>,
    /// How many blocks of seeded randomness were drawn.
    pub drawn: Cell<u64>,
}

/// A local time zone.
#[derive(Debug, Clone, Default)]
pub enum Zone {
    /// This process's own. To find it takes longer than most commands, which need none: it is found when it is asked for.
    #[default]
    System,
    /// This one.
    Known(TimeZone),
}

impl Zone {
    /// The zone itself.
    pub fn get(&self) -> TimeZone {
        match self {
            Self::System => TimeZone::system(),
            Self::Known(zone) => zone.clone(),
        }
    }
}

impl Env for World {
    fn now(&self) -> i128 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i128::try_from(now.as_nanos()).unwrap_or_default()
    }

    fn zone(&self) -> String {
        self.zone.get().iana_name().unwrap_or_default().to_owned()
    }

    fn random(&self, buffer: &mut [u8]) {
        match &self.seed {
            Some(seed) => self.fill_seeded(seed, buffer),
            None => {
                // Without randomness nothing that is a secret may be made: as Go does, end the program.
                if getrandom::fill(buffer).is_err() {
                    std::process::abort();
                }
            }
        }
    }

    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, String> {
        match &self.cluster {
            Some((cluster, runtime)) => {
                let asked = self.cancel.run_until_cancelled(look_up(cluster, api_version, kind, namespace, name));
                let answer = runtime.block_on(asked).ok_or("cancelled")?;
                answer.map_err(|error| error.message)
            }
            None => Ok(Value::Object(Map::new())),
        }
    }

    fn host_address(&self, name: &str) -> String {
        if !self.dns {
            return String::new();
        }
        let addresses = (name, 0).to_socket_addrs();
        addresses.ok().and_then(|mut all| all.next()).map_or_else(String::new, |address| address.ip().to_string())
    }

    fn post_renderer(&self) -> Option<&PostRender> {
        self.post_renderer.as_deref()
    }

    fn schema(&self, url: &str) -> Result<String, String> {
        let Some(rest) = url.strip_prefix("file://") else {
            return fetch(url, SCHEMA_TIMEOUT).map(|data| String::from_utf8_lossy(&data).into_owned()).map_err(
                |error| match error {
                    FetchError::NoAnswer(words) => format!("HTTP request failed for {url}: {words}"),
                    FetchError::Status(status) => {
                        let (code, words) = (status.as_u16(), status.canonical_reason().unwrap_or_default());
                        format!("HTTP request to {url} returned status {code} ({words})")
                    }
                },
            );
        };
        let path = rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default();
        fs::read_to_string(path).map_err(|error| format!("open {path}: {}", chart::go_words(&error)))
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

impl World {
    /// The world with nothing but its clock, its randomness and its time zone.
    pub fn new(zone: &Zone) -> Self {
        Self { zone: zone.clone(), ..Self::default() }
    }

    /// With a cluster to look up objects in.
    #[must_use]
    pub fn with_cluster(self, cluster: &Cluster) -> Self {
        Self { cluster: Some((cluster.clone(), Handle::current())), ..self }
    }

    fn fill_seeded(&self, seed: &str, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let block = Sha256::new().chain_update(self.drawn.get().to_be_bytes()).chain_update(seed).finalize();
            self.drawn.set(self.drawn.get() + 1);
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
        }
    }
}

/// One object, or a list where no name is given; an empty map for what is not there (helm/helm
/// `pkg/engine/lookup_func.go`).
async fn look_up(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Value, cluster::Error> {
    let resource = cluster.resource(api_version, kind).await?;
    let namespace = if resource.namespaced { namespace } else { "" };
    if name.is_empty() {
        let items = cluster.list(api_version, kind, namespace, "").await?;
        let items: Vec<Value> = items.into_iter().map(|object| object.value).collect();
        return Ok(json!({ "apiVersion": api_version, "kind": format!("{kind}List"), "items": items }));
    }
    let key = ObjectKey {
        group: resource.group,
        kind: resource.kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let target = Target { api_version: api_version.to_owned(), key };
    Ok(cluster.get(&target).await?.map_or_else(|| Value::Object(Map::new()), |object| object.value))
}

/// What the cluster serves, as templates see it in `.Capabilities`.
///
/// # Errors
/// Those of asking, and Kubernetes' words for a version that is none.
pub async fn capabilities(cluster: &Cluster) -> Result<Capabilities, Error> {
    let version = cluster.server_version().await?;
    let numbers = KubeVersion::parse(&version).map_err(Error::Refused)?;
    let kube_version = KubeVersion { version, normalized: String::new(), ..numbers };
    let mut api_versions: Vec<String> = Vec::new();
    for resource in cluster.resources().await? {
        let api_version = resource.api_version();
        api_versions.push(format!("{api_version}/{}", resource.kind));
        api_versions.push(api_version);
    }
    api_versions.sort_unstable();
    api_versions.dedup();
    Ok(Capabilities { kube_version, api_versions })
}
