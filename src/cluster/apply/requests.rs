//! The write requests themselves, with the parameters Helm sends (helm/helm `pkg/kube/client.go`):
//! `fieldManager=helm` everywhere but on deletes, `fieldValidation=Strict` on server-side apply, replace and
//! migration, none on client-side create and patch.

use std::time::Duration;

use http::{Method, Request, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::{Deletion, FIELD_MANAGER, Patch, Propagation, ServerSide, migrate};
use crate::{
    cluster::{Cluster, Error, ErrorKind, read::Target},
    manifest::Object,
};

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// Tries and pause of client-go's `retry.DefaultRetry`.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(10);

impl Cluster {
    /// Creates an object with plain POST; the object must carry its name. `AlreadyExists` when it exists.
    pub async fn create(
        &self,
        target: &Target,
        object: &Object,
        dry_run: bool,
    ) -> Result<Object, Error> {
        let body = body(target, object, None);
        let call = Call::new(Method::POST, JSON).dry_run(dry_run);
        retrying(
            |error| error.kind == ErrorKind::Conflict,
            async || self.write(target, &call, &body).await,
        )
        .await
    }

    /// Server-side apply; creates when absent. Conflicts come back as `ErrorKind::FieldConflicts`.
    pub async fn apply(
        &self,
        target: &Target,
        object: &Object,
        options: ServerSide,
    ) -> Result<Object, Error> {
        let body = body(target, object, None);
        let call = Call::new(Method::PATCH, APPLY_PATCH)
            .strict()
            .force(options.force)
            .dry_run(options.dry_run);
        retrying(quota_changed, async || {
            self.write(target, &call, &body).await
        })
        .await
    }

    /// Sends a client-side patch. An empty one reads the object instead, as Helm does.
    pub async fn patch(
        &self,
        target: &Target,
        patch: &Patch,
        dry_run: bool,
    ) -> Result<Object, Error> {
        if patch.is_empty() {
            return self
                .write(target, &Call::new(Method::GET, JSON), &Value::Null)
                .await;
        }
        self.write(
            target,
            &Call::new(Method::PATCH, patch.content_type).dry_run(dry_run),
            &patch.body,
        )
        .await
    }

    /// PUT, as `--force-replace` does: over whatever version is live now.
    pub async fn replace(
        &self,
        target: &Target,
        object: &Object,
        dry_run: bool,
    ) -> Result<Object, Error> {
        let live = match self
            .write(target, &Call::new(Method::GET, JSON), &Value::Null)
            .await
        {
            Ok(live) => live.value["metadata"]["resourceVersion"]
                .as_str()
                .map(str::to_owned),
            Err(error) if error.kind == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let body = body(target, object, live.as_deref());
        self.write(
            target,
            &Call::new(Method::PUT, JSON).strict().dry_run(dry_run),
            &body,
        )
        .await
    }

    /// Migrates ownership of fields from client-side managers to `helm`/Apply as Helm does; returns the object after it.
    /// Without anything to migrate `live` comes back as it is. On a conflict the object is read again.
    pub async fn migrate_field_managers(
        &self,
        target: &Target,
        live: &Object,
    ) -> Result<Object, Error> {
        let mut live = live.clone();
        for tries_left in (0..TRIES).rev() {
            let Some(body) = migrate::json_patch(&live) else {
                return Ok(live);
            };
            match self
                .write(
                    target,
                    &Call::new(Method::PATCH, JSON_PATCH).strict(),
                    &body,
                )
                .await
            {
                Err(error) if error.kind == ErrorKind::Conflict && tries_left > 0 => {
                    tokio::time::sleep(PAUSE).await;
                    live = self
                        .write(target, &Call::new(Method::GET, JSON), &Value::Null)
                        .await?;
                }
                answer => return answer,
            }
        }
        Ok(live)
    }

    /// Deletes; `false` when it was gone already. A UID that is not the live one's is a `Conflict`.
    pub async fn delete(&self, target: &Target, options: &Deletion) -> Result<bool, Error> {
        let mut body = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": options.propagation.name()});
        if let Some(uid) = &options.uid {
            body["preconditions"] = json!({ "uid": uid });
        }
        if options.dry_run {
            body["dryRun"] = json!(["All"]);
        }
        let request = self
            .request(target, &Call::new(Method::DELETE, JSON), &body)
            .await?;
        let retryable = |error: &Error| error.kind == ErrorKind::Conflict && options.uid.is_none();
        let send = async || Ok(self.client().request::<Value>(request.clone()).await?);
        match retrying(retryable, send).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, target: &Target, call: &Call, body: &Value) -> Result<Object, Error> {
        let request = self.request(target, call, body).await?;
        Ok(Object::new(self.client().request(request).await?))
    }

    async fn request(
        &self,
        target: &Target,
        call: &Call,
        body: &Value,
    ) -> Result<Request<Vec<u8>>, Error> {
        let kind = self.resource(&target.api_version, &target.key.kind).await?;
        let collection = call.method == Method::POST;
        let uri = path(target, &kind.plural, collection) + &call.query();
        let body = if call.method == Method::GET {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        Request::builder()
            .method(&call.method)
            .uri(uri)
            .header(CONTENT_TYPE, call.content_type)
            .body(body)
            .map_err(|error| {
                Error::new(
                    ErrorKind::Invalid,
                    format!("{} {}: {error}", target.key.kind, target.key.name),
                )
            })
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
        Self {
            method,
            content_type,
            dry_run: false,
            strict: false,
            force: None,
        }
    }

    fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    fn strict(self) -> Self {
        Self {
            strict: true,
            ..self
        }
    }

    fn force(self, force: bool) -> Self {
        Self {
            force: Some(force),
            ..self
        }
    }

    fn query(&self) -> String {
        if self.method == Method::GET || self.method == Method::DELETE {
            return String::new();
        }
        let mut query = format!("?fieldManager={FIELD_MANAGER}");
        if self.strict {
            query.push_str("&fieldValidation=Strict");
        }
        if let Some(force) = self.force {
            query.push_str(&format!("&force={force}"));
        }
        if self.dry_run {
            query.push_str("&dryRun=All");
        }
        query
    }
}

impl Propagation {
    fn name(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
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
        metadata
            .extend(resource_version.map(|version| ("resourceVersion".to_owned(), json!(version))));
    }
    body
}

fn path(target: &Target, plural: &str, collection: bool) -> String {
    let root = if target.api_version.contains('/') {
        "apis"
    } else {
        "api"
    };
    let mut path = format!("/{root}/{}", target.api_version);
    if !target.key.namespace.is_empty() {
        path.push_str(&format!("/namespaces/{}", escape(&target.key.namespace)));
    }
    path.push_str(&format!("/{plural}"));
    if !collection {
        path.push_str(&format!("/{}", escape(&target.key.name)));
    }
    path
}

/// Escapes a path segment, so that a name from a manifest cannot address anything else.
fn escape(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A ResourceQuota was counted concurrently: the one conflict Helm repeats a server-side apply for.
fn quota_changed(error: &Error) -> bool {
    error.code == 409
        && error
            .message
            .contains("Operation cannot be fulfilled on resourcequotas")
        && error.message.contains("the object has been modified")
}

async fn retrying<T>(
    retryable: impl Fn(&Error) -> bool,
    call: impl AsyncFn() -> Result<T, Error>,
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

    fn target(api_version: &str, namespace: &str, name: &str) -> Target {
        let key = ObjectKey {
            group: String::new(),
            kind: "Any".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        Target {
            api_version: api_version.to_owned(),
            key,
        }
    }

    #[track_caller]
    fn check_path(target: &Target, plural: &str, collection: bool, expected: &str) {
        assert_eq!(path(target, plural, collection), expected);
    }

    #[test]
    fn paths_are_the_apis() {
        check_path(
            &target("apps/v1", "prod", "web"),
            "deployments",
            false,
            "/apis/apps/v1/namespaces/prod/deployments/web",
        );
        check_path(
            &target("v1", "prod", "web"),
            "services",
            true,
            "/api/v1/namespaces/prod/services",
        );
        let role = target("rbac.authorization.k8s.io/v1", "", "system:node");
        check_path(
            &role,
            "clusterroles",
            false,
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node",
        );
        check_path(
            &target("v1", "a", "../x?y"),
            "services",
            false,
            "/api/v1/namespaces/a/services/..%2Fx%3Fy",
        );
    }

    #[test]
    fn parameters_are_helms() {
        let apply = Call::new(Method::PATCH, APPLY_PATCH)
            .strict()
            .force(true)
            .dry_run(true);
        assert_eq!(
            apply.query(),
            "?fieldManager=helm&fieldValidation=Strict&force=true&dryRun=All"
        );
        assert_eq!(Call::new(Method::POST, JSON).query(), "?fieldManager=helm");
        assert_eq!(Call::new(Method::DELETE, JSON).query(), "");
    }

    #[test]
    fn the_body_speaks_the_wires_version_and_namespace() {
        let object = Object::new(json!({
            "apiVersion": "policy/v1beta1", "kind": "Any", "metadata": {"name": "web", "resourceVersion": "7"},
        }));
        let sent = body(&target("policy/v1", "prod", "web"), &object, None);
        assert_eq!(
            sent,
            json!({"apiVersion": "policy/v1", "kind": "Any", "metadata": {"name": "web", "namespace": "prod"}})
        );
        let sent = body(&target("policy/v1", "", "web"), &object, Some("9"));
        assert_eq!(
            sent["metadata"],
            json!({"name": "web", "resourceVersion": "9"})
        );
    }
}
