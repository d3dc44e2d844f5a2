//! A reviewed operation that is kept: one stage of a pipeline makes the plan, the next does exactly that or says what moved.
//!
//! A plan holds what is prepared, byte for byte, and the facts that its preview rests on. How it is written is told in `file`.

mod file;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use file::{Identities, Recipient};

use super::{Basis, Prepared, time};
use crate::{
    cluster::{self, Cluster},
    diff::Redactor,
    manifest::{self, Object},
    release::{Hook, Release, Storage},
};

/// What is wrong with a plan, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is something else.
    #[error("this is no plan: --plan-out of install, upgrade, rollback and uninstall makes one")]
    Foreign,
    /// It is not what was written.
    #[error("the plan is cut off or was changed: make it again")]
    Damaged,
    /// Another version of the program wrote it.
    #[error("the plan was made by another version of pilothouse ({0}): make it again, or apply it with that one")]
    Version(String),
    /// It is encrypted, and there is nothing to open it with.
    #[error("the plan is encrypted: --identity FILE names the age identity that opens it")]
    Sealed,
    /// It is encrypted for others.
    #[error(
        "the plan is encrypted, but not for any of these identities: use one that it was made for with --plan-recipient"
    )]
    OtherIdentity,
    /// A file that holds no age identity.
    #[error("no age identity (AGE-SECRET-KEY-1…): {0}")]
    NoIdentity(String),
    /// A recipient that is none of age's.
    #[error("{0:?} is no age recipient: these begin with age1, and age-keygen -y prints them")]
    NoRecipient(String),
    /// It could not be written.
    #[error("the plan cannot be written: {0}")]
    Unwritten(String),
    /// It is for another cluster.
    #[error(
        "the plan was made for {planned}, and this is {here}: choose the other with --kube-context, or make a plan here"
    )]
    OtherCluster {
        /// Context and server it was made for.
        planned: String,
        /// Those in force.
        here: String,
    },
    /// Its records are elsewhere.
    #[error("the plan was made with HELM_DRIVER={planned}, and it is {here} now: apply it with the same")]
    OtherDriver {
        /// The driver it was made with.
        planned: String,
        /// The one in force.
        here: &'static str,
    },
}

/// A plan. Everything in it is needed: a file that lacks a field is none of this version.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of the program that made it.
    pub program: String,
    /// When, RFC 3339.
    pub made: String,
    /// The cluster it is for.
    pub cluster: Place,
    /// Where the records are, as `HELM_DRIVER` says it.
    pub driver: String,
    /// What will be done.
    pub prepared: Prepared,
    /// What has to hold still.
    pub basis: Basis,
}

/// Which cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// UID of `kube-system`, where it may be read.
    pub uid: Option<String>,
    /// The server's address; empty for a client that was handed in.
    pub server: String,
    /// Name of the kubeconfig's context, for people.
    pub context: String,
}

impl Place {
    async fn of(cluster: &Cluster) -> Result<Self, cluster::Error> {
        let (server, context) = (cluster.server().to_owned(), cluster.context().to_owned());
        Ok(Self { uid: cluster.uid().await?, server, context })
    }

    /// Whether both are the same, as far as can be told.
    fn is(&self, other: &Self) -> bool {
        match (&self.uid, &other.uid) {
            (Some(one), Some(other)) => one == other,
            _ => self.server == other.server,
        }
    }

    fn label(&self) -> String {
        let Self { server, context, .. } = self;
        if server.is_empty() {
            format!("the cluster of context {context:?}")
        } else {
            format!("{server} (context {context:?})")
        }
    }
}

impl Plan {
    /// The plan of what was prepared and previewed.
    ///
    /// # Errors
    /// A cluster that does not answer.
    pub async fn new(storage: &Storage, prepared: Prepared, basis: Basis) -> Result<Self, super::Error> {
        Ok(Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            made: time::text(storage.cluster().now()),
            cluster: Place::of(storage.cluster()).await?,
            driver: storage.driver().to_owned(),
            prepared,
            basis,
        })
    }

    /// Whether this is the place that it was made for. Whether anything moved there is checked by execute.
    ///
    /// # Errors
    /// [`Error::OtherCluster`], [`Error::OtherDriver`], and a cluster that does not answer.
    pub async fn check(&self, storage: &Storage) -> Result<(), super::Error> {
        let here = Place::of(storage.cluster()).await?;
        if !self.cluster.is(&here) {
            return Err(Error::OtherCluster { planned: self.cluster.label(), here: here.label() }.into());
        }
        if self.driver != storage.driver() {
            return Err(Error::OtherDriver { planned: self.driver.clone(), here: storage.driver() }.into());
        }
        Ok(())
    }

    /// Whether anything in it is nobody's business: Secrets, and whatever the screens would hide. What cannot be read is
    /// taken for a secret.
    pub fn holds_secrets(&self) -> bool {
        // Nothing is shown, so any key will do.
        let redactor = Redactor::new([0; 32]);
        let Prepared { from, to, next, objects, deletions, originals, kept, .. } = &self.prepared;
        let defined = self.prepared.defined();
        let mut objects = objects.iter().chain(deletions).chain(originals).chain(kept).chain(defined);
        let mut releases = from.iter().map(|from| &*from.release).chain([&**to, next]);
        objects.any(|object| redactor.hides(&object.value)) || releases.any(|release| holds_secret(release, &redactor))
    }
}

/// Whether a release holds anything that is hidden on screens.
fn holds_secret(release: &Release, redactor: &Redactor) -> bool {
    let hides = |text: &str| {
        manifest::read(text)
            .map_or(true, |objects: Vec<Object>| objects.iter().any(|object| redactor.hides(&object.value)))
    };
    let values = [release.config.clone(), release.chart.values()];
    let mut files = release.chart.files().into_iter().chain(release.chart.templates());
    values.into_iter().any(|values| redactor.hides(&Value::Object(values)))
        || hides(&release.manifest)
        || release.hooks.iter().any(|Hook { manifest, .. }| hides(manifest))
        || files.any(|(_, text)| redactor.hides(&Value::String(text)))
}

/// A release with its labels, which are on the record's object and so not in the release's own JSON.
pub(super) mod labelled {
    use std::{borrow::Borrow, collections::BTreeMap};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::release::Release;

    #[derive(Serialize)]
    struct Kept<'a> {
        release: &'a Release,
        labels: &'a BTreeMap<String, String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Read {
        release: Release,
        labels: BTreeMap<String, String>,
    }

    pub fn serialize<R: Borrow<Release>, S: Serializer>(release: &R, serializer: S) -> Result<S::Ok, S::Error> {
        let release = release.borrow();
        Kept { release, labels: &release.labels }.serialize(serializer)
    }

    pub fn deserialize<'de, R: From<Release>, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
        let Read { release, labels } = Read::deserialize(deserializer)?;
        Ok(Release { labels, ..release }.into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{
        cluster::{apply::Propagation, wait::WaitStrategy},
        engine::{Crds, Options, Reuse, ServerSideMode},
        release::{RecordMeta, Status},
    };

    /// Every field is named, so that a new one has to be thought of here.
    #[test]
    fn metadata_and_options_come_back_whole() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let meta = RecordMeta {
            record: "sh.helm.release.v1.web.v2".to_owned(),
            namespace: "prod".to_owned(),
            name: "web".to_owned(),
            revision: 2,
            status: Status::Other("on-fire".to_owned()),
            uid: "a-b".to_owned(),
            resource_version: "7".to_owned(),
            created_at: 1,
            modified_at: 2,
            writers: vec![pair("Helm", "2026-01-01T00:00:00Z")],
            annotations: [pair("a", "1")].into(),
            labels: [pair("team", "shop")].into(),
        };
        let options = Options {
            timeout: Duration::from_millis(1500),
            wait: WaitStrategy::Ordered,
            wait_for_jobs: true,
            no_hooks: true,
            force_replace: true,
            force_conflicts: true,
            server_side: ServerSideMode::False,
            cleanup_on_fail: true,
            rollback_on_failure: true,
            take_ownership: true,
            history_max: 3,
            description: "why".to_owned(),
            labels: [pair("team", "null")].into(),
            dry_run: true,
            replace: true,
            create_namespace: true,
            crds: Crds::Apply,
            reuse: Reuse::OverNewDefaults,
            keep_history: true,
            cascade: Propagation::Orphan,
            three_way_custom_resources: true,
            recreate: vec!["Deployment/web".to_owned()],
        };
        let text = serde_json::to_string(&(&meta, &options)).unwrap();
        assert_eq!(serde_json::from_str::<(RecordMeta, Options)>(&text).unwrap(), (meta, options));
    }

    /// Numbers that a reader which rounds on its way gets wrong by one bit (serde_json's own tests).
    #[test]
    fn objects_come_back_to_the_bit() {
        let numbers = json!([31.245_270_191_439_438, 121.487_919_511_619_45, 0.1, 1e-300, u64::MAX, i64::MIN, 1.0, 1]);
        let object = Object::new(json!({"spec": {"weights": numbers}, "text": "\u{0}\u{7f}\r\n«ß»"}));
        let text = serde_json::to_string(&object).unwrap();
        let read: Object = serde_json::from_str(&text).unwrap();
        assert_eq!(read.value.to_string(), object.value.to_string());
        assert_eq!(read, object);
    }

    #[test]
    fn a_cluster_is_known_by_its_uid_or_else_its_address() {
        let place = |uid: Option<&str>, server: &str| Place {
            uid: uid.map(str::to_owned),
            server: server.to_owned(),
            context: "prod".to_owned(),
        };
        assert!(place(Some("1"), "https://a").is(&place(Some("1"), "https://b")), "one cluster behind two addresses");
        assert!(!place(Some("1"), "https://a").is(&place(Some("2"), "https://a")), "made anew at the same address");
        assert!(place(None, "https://a").is(&place(Some("1"), "https://a")));
        assert!(!place(Some("1"), "https://a").is(&place(None, "https://b")));
    }
}
