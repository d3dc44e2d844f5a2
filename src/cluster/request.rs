//! Raw requests: kinds unknown at compile time travel as JSON.

use std::time::Duration;

use http::{Method, Request};
use serde::de::DeserializeOwned;

use super::{Cluster, Error, ErrorKind, discovery::ResourceType};

/// How long the answer to a read may take, of a watch its beginning. Logs are not bound by it.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the answer to a write may take. Admission may take its time, but the server itself gives up after a minute:
/// what is silent for longer is a dead line.
const WRITE_TIMEOUT: Duration = Duration::from_secs(90);

impl Cluster {
    /// Sends a GET and reads the answer as JSON.
    pub(super) async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.get_json_as(path, "application/json").await
    }

    /// Sends a GET for a certain representation.
    pub(super) async fn get_json_as<T: DeserializeOwned>(&self, path: &str, accept: &str) -> Result<T, Error> {
        let request = build(Method::GET, path, &[("accept", accept)], Vec::new())?;
        in_time(&Method::GET, path, self.client().request(request)).await
    }

    /// Sends a request with a JSON body and reads the answer as JSON.
    pub(super) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<T, Error> {
        let headers = [("accept", "application/json"), ("content-type", content_type)];
        let request = build(method.clone(), path, &headers, body)?;
        in_time(&method, path, self.client().request(request)).await
    }
}

/// The answer to a request, or the error that there is none in time.
pub(crate) async fn in_time<T>(
    method: &Method,
    path: &str,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, Error> {
    let bound = if *method == Method::GET { READ_TIMEOUT } else { WRITE_TIMEOUT };
    match tokio::time::timeout(bound, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            let message = format!("no answer to {method} {path} within {} s", bound.as_secs());
            Err(Error::new(ErrorKind::Unreachable, message))
        }
    }
}

/// A request for kube's client.
pub(super) fn build(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, Error> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).map_err(|error| Error::new(ErrorKind::Invalid, format!("{path}: {error}")))
}

/// The URL path of a collection; all namespaces when `namespace` is empty.
pub(super) fn collection_path(resource: &ResourceType, namespace: &str) -> String {
    let root = if resource.group.is_empty() { "/api" } else { "/apis" };
    let mut path = format!("{root}/{}", resource.api_version());
    if resource.namespaced && !namespace.is_empty() {
        path.push_str("/namespaces/");
        path.push_str(&encode(namespace));
    }
    path.push('/');
    path.push_str(&resource.plural);
    path
}

/// The URL path of one object.
pub(super) fn object_path(resource: &ResourceType, namespace: &str, name: &str) -> String {
    format!("{}/{}", collection_path(resource, namespace), encode(name))
}

/// A path with a query; parameters without a value are left out.
pub(super) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = path.to_owned();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push('=');
        url.push_str(&encode(value));
    }
    url
}

/// Percent-encodes everything but RFC 3986's unreserved characters, so that no name can change the path.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(group: &str, version: &str, plural: &str, namespaced: bool) -> ResourceType {
        ResourceType {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: String::new(),
            plural: plural.to_owned(),
            namespaced,
            verbs: Vec::new(),
        }
    }

    #[test]
    fn paths() {
        let pods = resource("", "v1", "pods", true);
        let roles = resource("rbac.authorization.k8s.io", "v1", "clusterroles", false);
        assert_eq!(collection_path(&pods, "shop"), "/api/v1/namespaces/shop/pods");
        assert_eq!(collection_path(&pods, ""), "/api/v1/pods");
        assert_eq!(
            object_path(&roles, "ignored", "system:node"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode"
        );
        assert_eq!(object_path(&pods, "shop", "a/../b?c"), "/api/v1/namespaces/shop/pods/a%2F..%2Fb%3Fc");
    }

    #[test]
    fn queries_leave_out_what_is_empty() {
        assert_eq!(
            with_query("/api/v1/pods", &[("labelSelector", "app in (a,b)"), ("continue", ""), ("limit", "5")]),
            "/api/v1/pods?labelSelector=app%20in%20%28a%2Cb%29&limit=5"
        );
    }
}
