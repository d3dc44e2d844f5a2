//! Answers requests: which handler, which rights, which shape of answer.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, header, request::Parts};
use serde_json::{Value, json};

use super::{
    Shared, access,
    api::{self, Body},
    delete::{self, DeleteOptions},
    discovery,
    failure::Failure,
    kinds::Kind,
    patch,
    path::{self, Path, Query, Route},
    protobuf, scale,
    select::Selector,
    ssa,
    store::Store,
    watch,
    write::{self, Writer, text},
};

/// How objects are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Whole.
    Whole,
    /// `PartialObjectMetadata`.
    Metadata,
}

/// One request, read.
struct Request<'a> {
    user: &'a str,
    query: Query,
    headers: &'a HeaderMap,
    body: &'a Bytes,
    shape: Shape,
}

/// What every cluster has from the start: its own namespaces and three nodes.
pub(super) fn seed(store: &mut Store) {
    for name in ["default", "kube-system"] {
        seed_namespace(store, name);
    }
    for number in 1..=3 {
        let room = json!({ "cpu": "8", "memory": "32Gi", "pods": "110" });
        let ready = json!({ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status" });
        seed_one(
            store,
            json!({
                "apiVersion": "v1", "kind": "Node", "metadata": { "name": format!("node-{number}") },
                "status": { "capacity": room, "allocatable": room, "conditions": [ready], "nodeInfo": { "kubeletVersion": "v1.36.1" } },
            }),
        );
    }
}

pub(super) fn seed_namespace(store: &mut Store, name: &str) {
    seed_one(store, json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
}

fn seed_one(store: &mut Store, mut object: Value) {
    let Some(kind) = delete::kind_of(store, &object) else {
        return;
    };
    let status = object["status"].clone();
    write::begin_metadata(&kind, &mut object, &store.now());
    object["metadata"]["uid"] = write::new_uid(store.allocate()).into();
    super::defaults::apply(&kind, &mut object);
    if !status.is_null() {
        object["status"] = status;
    }
    store.put(&kind, object);
}

/// Answers one request.
pub(super) fn answer(shared: &Arc<Shared>, user: &str, parts: &Parts, body: &Bytes) -> Result<Response<Body>, Failure> {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let request = Request {
        user,
        query: Query::parse(parts.uri.query()),
        headers: &parts.headers,
        body,
        shape: if accept.contains("as=PartialObjectMetadata") { Shape::Metadata } else { Shape::Whole },
    };
    let kinds = shared.with_store(|store| store.kinds.clone());
    match path::parse(parts.uri.path(), &kinds)? {
        Path::Plain => discovery::answer(&kinds, parts),
        Path::Virtual { group, resource, namespace, name } => {
            request.virtual_resource(shared, &group, &resource, &namespace, &name)
        }
        Path::Object(route) => request.object(shared, &parts.method, &route),
    }
}

impl Request<'_> {
    fn virtual_resource(
        &self,
        shared: &Shared,
        group: &str,
        resource: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Response<Body>, Failure> {
        if group == "metrics.k8s.io" {
            let act = access::Act {
                verb: if name.is_empty() { "list" } else { "get" },
                group,
                resource,
                namespace,
                name,
                subresource: "",
            };
            access::check(self.user, &act)?;
            let selector = self.query.get("labelSelector");
            return shared
                .with_store(|store| super::metrics::answer(store, resource, namespace, name, selector))
                .map(|found| api::json(200, &found));
        }
        let review = access::review(self.user, resource, &self.json()?);
        review.map(|review| api::json(201, &review)).ok_or_else(|| Failure::not_served(&format!("{resource}.{group}")))
    }

    fn object(&self, shared: &Arc<Shared>, method: &Method, route: &Route) -> Result<Response<Body>, Failure> {
        let collection = route.name.is_empty();
        let watching = collection && self.query.is("watch");
        let verb = match *method {
            Method::GET if watching => "watch",
            Method::GET if collection => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if collection => "deletecollection",
            Method::DELETE => "delete",
            _ => {
                return Err(Failure::new(
                    405,
                    "MethodNotAllowed",
                    "the server does not allow this method on the requested resource",
                ));
            }
        };
        access::check(self.user, &access::act_of(route, verb))?;
        match (verb, route.subresource.as_str()) {
            ("watch", _) => {
                let body = watch::start(shared, route, self.selector(&route.kind)?, &self.query, self.shape);
                Ok(api::stream(200, "application/json", body))
            }
            ("list", _) => self.list(shared, route),
            ("get", "log") if route.kind.kind == "Pod" => super::logs::answer(shared, route, &self.query),
            ("create", "eviction") if route.kind.kind == "Pod" => {
                self.delete(shared, route).map(|_| api::json(201, &success(None)))
            }
            (_, "") => self.whole(shared, verb, route),
            ("get" | "update" | "patch", "status") if route.kind.status => self.whole(shared, verb, route),
            ("get" | "update" | "patch", "scale") if route.kind.scale => self.scale(shared, verb, route),
            ("update", "finalize") if route.kind.kind == "Namespace" => self.whole(shared, verb, route),
            (verb, subresource) => {
                Err(Failure::not_served(&format!("{verb} of {}/{subresource}", route.kind.resource())))
            }
        }
    }

    fn whole(&self, shared: &Shared, verb: &str, route: &Route) -> Result<Response<Body>, Failure> {
        let (code, object) = match verb {
            "get" => (200, shared.with_store(|store| find(store, route))?),
            "create" => (
                201,
                shared.with_store(|store| {
                    write::create(store, &route.kind, &route.namespace, self.json()?, &self.writer(route))
                })?,
            ),
            "update" => {
                let object = self.json()?;
                (
                    200,
                    shared.with_store(|store| {
                        let live = find(store, route)?;
                        write::update(store, &route.kind, &live, object, &self.writer(route))
                    })?,
                )
            }
            "patch" => self.patch(shared, route)?,
            "delete" => return self.delete(shared, route),
            _ => return self.delete_collection(shared, route),
        };
        Ok(api::json(code, &shaped(&object, self.shape)))
    }

    fn patch(&self, shared: &Shared, route: &Route) -> Result<(u16, Arc<Value>), Failure> {
        let content_type = self.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
        let body = self.json()?;
        let writer = self.writer(route);
        if content_type.starts_with("application/apply-patch") {
            if self.query.get("fieldManager").is_empty() {
                let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
                return Err(Failure::new(422, "Invalid", message));
            }
            return shared.with_store(|store| ssa::apply(store, route, body, &writer, self.query.is("force")));
        }
        shared.with_store(|store| {
            let live = find(store, route)?;
            let patched = patch::apply(content_type, &live, &body, route.kind.custom)?;
            Ok((200, write::update(store, &route.kind, &live, patched, &writer)?))
        })
    }

    fn scale(&self, shared: &Shared, verb: &str, route: &Route) -> Result<Response<Body>, Failure> {
        let scale = shared.with_store(|store| {
            let live = find(store, route)?;
            let asked = match verb {
                "get" => return Ok(scale::of(&live)),
                "patch" => {
                    let content_type = self.header(header::CONTENT_TYPE).to_owned();
                    patch::apply(&content_type, &scale::of(&live), &self.json()?, false)?
                }
                _ => self.json()?,
            };
            let scaled = scale::scaled(&route.kind, &live, &asked)?;
            write::update(store, &route.kind, &live, scaled, &self.writer(route)).map(|object| scale::of(&object))
        })?;
        Ok(api::json(200, &scale))
    }

    fn delete(&self, shared: &Shared, route: &Route) -> Result<Response<Body>, Failure> {
        let options = DeleteOptions::read(&self.json()?, &self.query);
        let (object, gone) = shared.with_store(|store| {
            let live = find(store, route)?;
            delete::delete(store, &route.kind, &live, &options)
        })?;
        // Pods answer with the object, as their deletion is graceful on a real server.
        let answer = if gone && route.kind.kind != "Pod" {
            success(Some((&route.kind, &object)))
        } else {
            shaped(&object, self.shape)
        };
        Ok(api::json(200, &answer))
    }

    fn delete_collection(&self, shared: &Shared, route: &Route) -> Result<Response<Body>, Failure> {
        let selector = self.selector(&route.kind)?;
        let options = DeleteOptions::read(&self.json()?, &self.query);
        let deleted = shared.with_store(|store| {
            let found = store
                .list(&route.kind.resource(), &route.namespace)
                .into_iter()
                .filter(|object| selector.matches(object));
            found
                .map(|live| delete::delete(store, &route.kind, &live, &options).map(|(object, _)| object))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let revision = shared.with_store(|store| store.revision());
        Ok(self.list_answer(&route.kind, &deleted, revision, json!({})))
    }

    fn list(&self, shared: &Shared, route: &Route) -> Result<Response<Body>, Failure> {
        let selector = self.selector(&route.kind)?;
        let limit = self.query.number("limit").filter(|limit| *limit > 0).and_then(|limit| usize::try_from(limit).ok());
        let resume = self.query.get("continue");
        let (revision, after) = if resume.is_empty() { (None, None) } else { read_continue(resume)? };
        let (mut found, now, compacted) = shared.with_store(|store| {
            (store.list(&route.kind.resource(), &route.namespace), store.revision(), store.compacted())
        });
        if revision.is_some_and(|revision| revision < compacted) {
            let why = "The provided continue parameter is too old to display a consistent list result. You can start a new list \
                       without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.";
            return Err(Failure::expired(why));
        }
        let revision = revision.unwrap_or(now);
        found.retain(|object| selector.matches(object) && after.as_ref().is_none_or(|after| position(object) > *after));
        let mut metadata = json!({});
        if let Some(limit) = limit.filter(|limit| *limit < found.len()) {
            if selector.is_empty() {
                metadata["remainingItemCount"] = (found.len() - limit).into();
            }
            found.truncate(limit);
            if let Some(last) = found.last() {
                let (namespace, name) = position(last);
                metadata["continue"] = URL_SAFE_NO_PAD.encode(json!([revision, namespace, name]).to_string()).into();
            }
        }
        Ok(self.list_answer(&route.kind, &found, revision, metadata))
    }

    /// A list, written item by item: lists of records are large.
    fn list_answer(&self, kind: &Kind, items: &[Arc<Value>], revision: u64, mut metadata: Value) -> Response<Body> {
        metadata["resourceVersion"] = revision.to_string().into();
        let (api_version, name) = match self.shape {
            Shape::Whole => (kind.api_version(), format!("{}List", kind.kind)),
            Shape::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
        };
        let mut text =
            format!("{{\"kind\":{name:?},\"apiVersion\":{api_version:?},\"metadata\":{metadata},\"items\":[");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&list_item(kind, item, self.shape));
        }
        text.push_str("]}");
        api::bytes(200, "application/json", text.into())
    }

    fn selector(&self, kind: &Kind) -> Result<Selector, Failure> {
        Selector::parse(kind, self.query.get("labelSelector"), self.query.get("fieldSelector"))
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The writer of this request: its field manager, or as the server does the first part of the user agent.
    fn writer(&self, route: &Route) -> Writer {
        let asked = self.query.get("fieldManager");
        let agent =
            self.header(header::USER_AGENT).split('/').next().filter(|agent| !agent.is_empty()).unwrap_or("unknown");
        Writer {
            manager: if asked.is_empty() { agent.to_owned() } else { asked.to_owned() },
            subresource: route.subresource.clone(),
            dry_run: self.query.dry_run(),
        }
    }

    /// The body as JSON; `Null` when there is none. YAML, as `apply-patch+yaml` allows, and protobuf are read too.
    fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        let unreadable =
            |error: &dyn std::fmt::Display| Failure::bad_request(format!("error decoding the request body: {error}"));
        let content_type = self.header(header::CONTENT_TYPE);
        if content_type.contains("protobuf") {
            return protobuf::decode(self.body);
        }
        if content_type.contains("cbor") {
            return Err(Failure::new(415, "UnsupportedMediaType", "the sandbox reads no CBOR"));
        }
        if content_type.contains("yaml") && !self.body.starts_with(b"{") {
            return serde_yaml::from_slice(self.body).map_err(|error| unreadable(&error));
        }
        serde_json::from_slice(self.body).map_err(|error| unreadable(&error))
    }
}

fn find(store: &Store, route: &Route) -> Result<Arc<Value>, Failure> {
    store.get(&route.kind, &route.namespace, &route.name).ok_or_else(|| Failure::not_found(&route.kind, &route.name))
}

fn position(object: &Value) -> (String, String) {
    (text(object, "namespace"), text(object, "name"))
}

type Continued = (Option<u64>, Option<(String, String)>);

fn read_continue(token: &str) -> Result<Continued, Failure> {
    let invalid = || Failure::bad_request("invalid continue token: continue key is not valid");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let (revision, namespace, name) = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    Ok((Some(revision), Some((namespace, name))))
}

/// An item of a list; those of built-in kinds carry no type, as on the real server.
fn list_item(kind: &Kind, item: &Value, shape: Shape) -> String {
    if shape == Shape::Metadata || kind.custom {
        return shaped(item, shape).to_string();
    }
    let untyped = item.as_object().into_iter().flatten().filter(|(key, _)| *key != "apiVersion" && *key != "kind");
    let fields: Vec<String> = untyped.map(|(key, value)| format!("{key:?}:{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// An object as it is wanted.
pub(super) fn shaped(object: &Value, shape: Shape) -> Value {
    match shape {
        Shape::Whole => object.clone(),
        Shape::Metadata => {
            json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
        }
    }
}

/// The `Status` of a successful deletion.
fn success(deleted: Option<(&Kind, &Value)>) -> Value {
    let mut status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" });
    if let Some((kind, object)) = deleted {
        status["details"] = json!({ "name": text(object, "name"), "kind": kind.plural, "uid": text(object, "uid") });
        if !kind.group.is_empty() {
            status["details"]["group"] = kind.group.clone().into();
        }
    }
    status
}
