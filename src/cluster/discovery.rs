//! Which kinds a server offers. Aggregated discovery when offered; cached.

use super::{Cluster, Error};

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
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// What was discovered so far.
#[derive(Default)]
pub struct Cache {}

impl Cluster {
    /// The served kind for an `apiVersion` and `kind`; `NoKind` when this very version is not served.
    pub async fn resource(&self, _api_version: &str, _kind: &str) -> Result<ResourceType, Error> {
        todo!()
    }

    /// The preferred served version of a group and kind, for stored objects whose version is gone.
    pub async fn resource_any_version(
        &self,
        _group: &str,
        _kind: &str,
    ) -> Result<ResourceType, Error> {
        todo!()
    }

    /// Every served kind.
    pub async fn resources(&self) -> Result<Vec<ResourceType>, Error> {
        todo!()
    }

    /// Forgets what was discovered (a CRD came or went).
    pub fn refresh_discovery(&self) {
        todo!()
    }
}
