//! What the user may do: SelfSubjectRulesReview, SelfSubjectAccessReview.

use super::{Cluster, Error};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Verb, for example `patch`.
    pub verb: String,
    /// Group, empty for core.
    pub group: String,
    /// Plural resource.
    pub resource: String,
    /// Namespace, empty for cluster scope.
    pub namespace: String,
}

impl Cluster {
    /// Answers each question, in order. Rules of a namespace are asked once; what they leave open is asked singly.
    pub async fn may(&self, _asks: &[Ask]) -> Result<Vec<bool>, Error> {
        todo!()
    }
}
