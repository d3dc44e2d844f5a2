//! The write requests themselves, with the parameters Helm sends (helm/helm `pkg/kube/client.go`):
//! `fieldManager=helm` everywhere but on deletes, `fieldValidation=Strict` on server-side apply, replace and
//! migration, none on client-side create and patch.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{Deletion, FIELD_MANAGER, Patch, Propagation, ServerSide, ownership};
use crate::{
    cluster::{
        Cluster, Error, ErrorKind,
        read::Target,
        request::{collection_path, object_path, with_query},
    },
    manifest::Object,
};

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// Tries and pause of client-go's `retry.DefaultRetry`.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(10);

impl Cluster {
    /// Creates an object with plain POST. `AlreadyExists` when it exists.
    pub async fn create(&self, target: &Target, object: &Object, dry_run: bool) -> Result<Object, Error> {
        let body = body(target, object, None);
        let call = Call::new(Method::POST, JSON).dry_run(dry_run);
        let conflict = |error: &Error| error.kind == ErrorKind::Conflict;
        retrying(conflict, async || self.write(target, &call, &body).await).await
    }

    /// Server-side apply; creates when absent. Conflicts come back as `ErrorKind::FieldConflicts`.
    pub async fn apply(&self, target: &Target, object: &Object, options: ServerSide) -> Result<Object, Error> {
        let body = body(target, object, None);
        let call = Call::new(Method::PATCH, APPLY_PATCH).strict().force(options.force).dry_run(options.dry_run);
        retrying(quota_changed, || self.write(target, &call, &body)).await
    }

    /// Sends a client-side patch. An empty one reads the object instead, as Helm does.
    pub async fn patch(&self, target: &Target, patch: &Patch, dry_run: bool) -> Result<Object, Error> {
        if patch.is_empty() {
            return self.read(target).await;
        }
        let call = Call::new(Method::PATCH, patch.content_type).dry_run(dry_run);
        self.write(target, &call, &patch.body).await
    }

    /// PUT, as `--force-replace` does: over whatever version is live now.
    pub async fn replace(&self, target: &Target, object: &Object, dry_run: bool) -> Result<Object, Error> {
        let version = match self.read(target).await {
            Ok(live) => live.value["metadata"]["resourceVersion"].as_str().map(str::to_owned),
            Err(error) if error.kind == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let call = Call::new(Method::PUT, JSON).strict().dry_run(dry_run);
        let body = body(target, object, version.as_deref());
        self.write(target, &call, &body).await
    }

    /// What the server would make of an object predicted by `server_side_locally`: its defaults and webhooks
    /// included, and its refusal of immutable fields. A dry-run PUT, so it needs the right to update.
    pub async fn complete(&self, target: &Target, predicted: &Object) -> Result<Object, Error> {
        let conflict = |error: &Error| error.kind == ErrorKind::Conflict;
        retrying(conflict, async || self.replace(target, predicted, true).await).await
    }

    /// Migrates ownership of fields from client-side managers to `helm`/Apply as Helm does; returns the
    /// object after it. Without anything to migrate `live` comes back as it is. On a conflict the object
    /// is read again.
    pub async fn migrate_field_managers(&self, target: &Target, live: &Object) -> Result<Object, Error> {
        let call = Call::new(Method::PATCH, JSON_PATCH).strict();
        let mut live = live.clone();
        let mut tries = 1;
        loop {
            let Some(body) = ownership::migration(&live) else {
                return Ok(live);
            };
            match self.write(target, &call, &body).await {
                Err(error) if error.kind == ErrorKind::Conflict && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                    live = self.read(target).await?;
                }
                answer => return answer,
            }
        }
    }

    /// Deletes; `false` when it was gone already. A UID that is not the live one's is a `Conflict`.
    pub async fn delete(&self, target: &Target, options: &Deletion) -> Result<bool, Error> {
        let resource = self.resource(&target.api_version, &target.key.kind).await?;
        let path = object_path(&resource, &target.key.namespace, &target.key.name);
        let body = options.body().to_string().into_bytes();
        let retryable = |error: &Error| error.kind == ErrorKind::Conflict && options.uid.is_none();
        let send = async || self.send_json::<Value>(Method::DELETE, &path, JSON, body.clone()).await;
        match retrying(retryable, send).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The object as it is now; `NotFound` when it is gone.
    async fn read(&self, target: &Target) -> Result<Object, Error> {
        let resource = self.resource(&target.api_version, &target.key.kind).await?;
        let path = object_path(&resource, &target.key.namespace, &target.key.name);
        Ok(Object::new(self.get_json(&path).await?))
    }

    async fn write(&self, target: &Target, call: &Call, body: &Value) -> Result<Object, Error> {
        let resource = self.resource(&target.api_version, &target.key.kind).await?;
        let path = match call.method {
            Method::POST => collection_path(&resource, &target.key.namespace),
            _ => object_path(&resource, &target.key.namespace, &target.key.name),
        };
        let body = body.to_string().into_bytes();
        let method = call.method.clone();
        let answer = self.send_json(method, &call.url(&path), call.content_type, body).await?;
        Ok(Object::new(answer))
    }
}

/// One kind of request: method, content type, query.
struct Call {
    method: Method,
    content_type: &'static str,
    dry_run: bool,
    strict: bool,
    force: Option<bool>,
}

impl Call {
    fn new(method: Method, content_type: &'static str) -> Self {
        Self { method, content_type, dry_run: false, strict: false, force: None }
    }

    fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    fn force(self, force: bool) -> Self {
        Self { force: Some(force), ..self }
    }

    fn url(&self, path: &str) -> String {
        let force = self.force.map(|force| force.to_string());
        let parameters = [
            ("fieldManager", FIELD_MANAGER),
            ("fieldValidation", if self.strict { "Strict" } else { "" }),
            ("force", force.as_deref().unwrap_or_default()),
            ("dryRun", if self.dry_run { "All" } else { "" }),
        ];
        with_query(path, &parameters)
    }
}

impl Deletion {
    fn body(&self) -> Value {
        let propagation = match self.propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        };
        let mut body = json!({
            "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation,
        });
        if let Some(uid) = &self.uid {
            body["preconditions"] = json!({ "uid": uid });
        }
        if self.dry_run {
            body["dryRun"] = json!(["All"]);
        }
        body
    }
}

/// The object as it goes out: the wire's version, the resolved namespace, and this resourceVersion or none.
fn body(target: &Target, object: &Object, resource_version: Option<&str>) -> Value {
    let mut body = object.value.clone();
    body["apiVersion"] = json!(target.api_version);
    if let Some(metadata) = body["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
        metadata.remove("namespace");
        if !target.key.namespace.is_empty() {
            metadata.insert("namespace".to_owned(), json!(target.key.namespace));
        }
        metadata.extend(resource_version.map(|version| ("resourceVersion".to_owned(), json!(version))));
    }
    body
}

/// A ResourceQuota was counted concurrently: the one conflict Helm repeats a server-side apply for.
fn quota_changed(error: &Error) -> bool {
    error.code == 409
        && error.message.contains("Operation cannot be fulfilled on resourcequotas")
        && error.message.contains("the object has been modified")
}

/// Not `AsyncFn`: the compiler cannot tell of its futures that a task may run them.
async fn retrying<T, F: Future<Output = Result<T, Error>>>(
    retryable: impl Fn(&Error) -> bool,
    call: impl Fn() -> F,
) -> Result<T, Error> {
    for _ in 1..TRIES {
        match call().await {
            Err(error) if retryable(&error) => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ObjectKey;

    #[test]
    fn parameters_are_helms() {
        let apply = Call::new(Method::PATCH, APPLY_PATCH).strict().force(true).dry_run(true);
        assert_eq!(apply.url("/x"), "/x?fieldManager=helm&fieldValidation=Strict&force=true&dryRun=All");
        assert_eq!(Call::new(Method::POST, JSON).url("/x"), "/x?fieldManager=helm");
    }

    #[test]
    fn the_body_speaks_the_wires_version_and_namespace() {
        let target = |namespace: &str| Target {
            api_version: "policy/v1".to_owned(),
            key: ObjectKey {
                group: "policy".to_owned(),
                kind: "Any".to_owned(),
                namespace: namespace.to_owned(),
                name: "web".to_owned(),
            },
        };
        let object = Object::new(json!({
            "apiVersion": "policy/v1beta1", "kind": "Any",
            "metadata": {"name": "web", "resourceVersion": "7"},
        }));
        let sent = body(&target("prod"), &object, None);
        assert_eq!(sent["apiVersion"], "policy/v1");
        assert_eq!(sent["metadata"], json!({"name": "web", "namespace": "prod"}));
        let sent = body(&target(""), &object, Some("9"));
        assert_eq!(sent["metadata"], json!({"name": "web", "resourceVersion": "9"}));
    }

    #[test]
    fn a_deletion_names_what_it_may_delete() {
        let deletion = Deletion { uid: Some("u".to_owned()), propagation: Propagation::Foreground, dry_run: true };
        let expected = json!({
            "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground",
            "preconditions": {"uid": "u"}, "dryRun": ["All"],
        });
        assert_eq!(deletion.body(), expected);
    }
}
