//! The requests of the drivers. Plain ones: the full types of Secrets and ConfigMaps would decode much that nobody
//! looks at, and both drivers differ only in where the text lies.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use kube::api::{DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::client::Body;
use kube::core::Request;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;

use super::object::{self, Kind, Partial, PartialList, Stamps};
use super::{RecordMeta, moved, now, record_name};
use crate::cluster::{self, Cluster, ErrorKind, in_time};
use crate::release::{Error, Release};

/// Who our writes of records are by in `managedFields`; Helm's are by `Helm`.
const FIELD_MANAGER: &str = "pilothouse";

/// Objects on a page of a list.
const PAGE: u32 = 500;

type Built = Result<http::Request<Vec<u8>>, kube::core::request::Error>;

/// Records as Secrets or ConfigMaps. A namespace that is empty stands for all.
#[derive(Clone)]
pub(super) struct Objects {
    pub cluster: Cluster,
    pub kind: Kind,
}

impl Objects {
    /// A list with the resourceVersion to watch from, paged, metadata only. Objects that name no release are left out.
    pub async fn list(&self, namespace: &str, selector: &str) -> Result<(Vec<RecordMeta>, String), Error> {
        let mut params = ListParams::default().labels(&label_selector(selector)).limit(PAGE);
        let mut records = Vec::new();
        loop {
            let request = self.collection(namespace).list_metadata(&params);
            let page = match self.send::<PartialList>(request).await {
                Err(error) if error.kind == ErrorKind::Gone && params.continue_token.is_some() => {
                    // The pages are too old to go on with; ask for all at once.
                    records.clear();
                    params.continue_token = None;
                    params.limit = None;
                    continue;
                }
                page => page?,
            };
            records.extend(page.items.into_iter().filter_map(|item| item.metadata.into_record()));
            if page.metadata.next.is_empty() {
                return Ok((records, page.metadata.resource_version));
            }
            params.continue_token = Some(page.metadata.next);
        }
    }

    pub async fn create(
        &self,
        namespace: &str,
        release: &Release,
        annotations: &BTreeMap<String, String>,
        stamps: Stamps,
        payload: &[u8],
    ) -> Result<RecordMeta, Error> {
        let record = record_name(&release.name, release.revision);
        let metadata = json!({"name": record, "annotations": annotations});
        let body = object::body(self.kind, release, stamps, metadata, payload);
        let request = self.collection(namespace).create(&post(), body);
        match self.send::<Partial>(request).await {
            Err(error) if error.kind == ErrorKind::AlreadyExists => Err(Error::Exists),
            written => record_of(&record, written?),
        }
    }

    /// Writes over a record, with its resourceVersion as precondition.
    pub async fn replace(&self, meta: &RecordMeta, release: &Release, payload: &[u8]) -> Result<RecordMeta, Error> {
        let metadata = json!({
            "name": meta.record,
            "uid": meta.uid,
            "resourceVersion": meta.resource_version,
            "annotations": meta.annotations,
        });
        let stamps = Stamps { created: meta.created_at, modified: Some(now()) };
        let body = object::body(self.kind, release, stamps, metadata, payload);
        let request = self.collection(&meta.namespace).replace(&meta.record, &post(), body);
        let written = self.send::<Partial>(request).await;
        record_of(&meta.record, written.map_err(|error| lost(meta, error))?)
    }

    /// The metadata of a record as it is now.
    pub async fn metadata(&self, meta: &RecordMeta) -> Result<RecordMeta, Error> {
        let request = self.collection(&meta.namespace).get_metadata(&meta.record, &GetParams::default());
        let current = self.send::<Partial>(request).await;
        record_of(&meta.record, current.map_err(|error| lost(meta, error))?)
    }

    pub async fn annotate(
        &self,
        meta: &RecordMeta,
        annotations: &BTreeMap<String, String>,
    ) -> Result<RecordMeta, Error> {
        let patch = json!({"metadata": {"uid": meta.uid, "annotations": annotations}});
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let collection = self.collection(&meta.namespace);
        let request = collection.patch_metadata(&meta.record, &params, &Patch::Merge(patch));
        let written = self.send::<Partial>(request).await;
        record_of(&meta.record, written.map_err(|error| lost(meta, error))?)
    }

    pub async fn delete(&self, meta: &RecordMeta) -> Result<(), Error> {
        let params = DeleteParams {
            preconditions: Some(Preconditions { uid: Some(meta.uid.clone()), resource_version: None }),
            ..DeleteParams::default()
        };
        let request = self.collection(&meta.namespace).delete(&meta.record, &params);
        match self.send::<IgnoredAny>(request).await {
            Err(error) if error.kind == ErrorKind::NotFound => Err(Error::NotFound),
            // Mostly the precondition: another record has taken the place of this one.
            Err(error) if error.kind == ErrorKind::Conflict => match self.metadata(meta).await {
                Ok(now) if now.uid == meta.uid => Err(error.into()),
                Ok(_) | Err(Error::Moved { .. }) => Err(Error::NotFound),
                Err(error) => Err(error),
            },
            done => done.map(|_| ()).map_err(Error::from),
        }
    }

    /// The body of a record's object, for [`object::Stored::read`]: as it is now, or where it is known to have been at the
    /// resourceVersion `since`, at least as new as that. The server then answers from its memory instead of asking etcd.
    pub async fn fetch(&self, namespace: &str, record: &str, since: &str) -> Result<Bytes, Error> {
        if record.contains(['/', '%', '?', '#']) {
            // No object can have such a name, and in the path it would lead elsewhere.
            return Err(Error::NotFound);
        }
        let params = if since.is_empty() { GetParams::default() } else { GetParams::at(since) };
        let get = || self.collection(namespace).get(record, &params);
        let request = get().map_err(kube::Error::BuildRequest).map_err(cluster::Error::from)?;
        let path = request.uri().path().to_owned();
        let answer = in_time(&Method::GET, &path, async {
            let answer = self.cluster.client().send(compact(request)).await?;
            Ok((answer.status(), answer.into_body().collect().await?.to_bytes()))
        });
        match answer.await? {
            (status, body) if status.is_success() => return Ok(body),
            (StatusCode::NOT_FOUND, _) => return Err(Error::NotFound),
            _ => {}
        }
        // Refused: asked again, for the reason in words that the client reads.
        Ok(self.send_text(get()).await?.into())
    }

    /// The API path of the records of `namespace`, of all when it is empty.
    pub fn collection(&self, namespace: &str) -> Request {
        let resource = self.kind.resource();
        Request::new(if namespace.is_empty() {
            format!("/api/v1/{resource}")
        } else {
            format!("/api/v1/namespaces/{namespace}/{resource}")
        })
    }

    async fn send<T: DeserializeOwned>(&self, request: Built) -> Result<T, cluster::Error> {
        parse(&self.send_text(request).await?)
    }

    /// The client's own decoding would put a whole Secret into the log when it fails.
    async fn send_text(&self, request: Built) -> Result<String, cluster::Error> {
        let request = request.map_err(kube::Error::BuildRequest)?;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        in_time(&method, &path, self.cluster.client().request_text(request)).await
    }
}

pub(super) fn label_selector(selector: &str) -> String {
    if selector.is_empty() { "owner=helm".to_owned() } else { format!("owner=helm,{selector}") }
}

/// In protobuf, where the server has it: JSON would wrap the bytes in base64 once more. And as they are: records are
/// compressed already, doing it again doubled what 200 of them cost server and client.
fn compact(request: http::Request<Vec<u8>>) -> http::Request<Body> {
    let mut request = request.map(Body::from);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.kubernetes.protobuf, application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    request
}

fn post() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, cluster::Error> {
    serde_json::from_str(text).map_err(unexpected)
}

pub(super) fn unexpected(error: impl std::fmt::Display) -> cluster::Error {
    cluster::Error::new(ErrorKind::Other, format!("unexpected answer of the server: {error}"))
}

fn record_of(record: &str, object: Partial) -> Result<RecordMeta, Error> {
    object.metadata.into_record().ok_or_else(|| Error::Corrupt {
        record: record.to_owned(),
        message: "the server answered with an object that is no record".to_owned(),
    })
}

/// A conflict, and a record that is not there any more, mean that someone else was at it; so does another UID,
/// which a patch is told as an attempt to change it.
fn lost(meta: &RecordMeta, error: cluster::Error) -> Error {
    match error.kind {
        ErrorKind::Conflict | ErrorKind::NotFound => moved(meta),
        ErrorKind::Invalid if error.message.contains("metadata.uid") => moved(meta),
        _ => error.into(),
    }
}
