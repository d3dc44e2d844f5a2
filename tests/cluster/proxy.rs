//! A proxy in front of the API server, plain HTTP on loopback, that lets requests fail.

use std::{convert::Infallible, net::SocketAddr, path::Path};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use kube::{
    Client, Config,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig},
};
use pilothouse::sandbox::Fault;
use serde_json::json;
use tokio::net::TcpListener;
use tower::BoxError;

use super::faults::Injector;

type Answer = UnsyncBoxBody<Bytes, BoxError>;

/// A client that asks the server of a kubeconfig as its admin.
pub async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("the test kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("the test kubeconfig is right")).expect("a client")
}

/// Serves until the runtime ends: what the injector lets pass goes on to the server.
pub async fn serve(client: Client, injector: Injector) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (client, injector) = (client.clone(), injector.clone());
            let service = service_fn(move |request| pass(client.clone(), injector.clone(), request));
            let serving =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service);
            // It ends with an error wherever a fault breaks it.
            tokio::spawn(async move { drop(serving.await) });
        }
    });
    address
}

async fn pass(client: Client, injector: Injector, request: Request<Incoming>) -> Result<Response<Answer>, BoxError> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let fault = injector.meet(&parts);
    match &fault {
        Some(Fault::Disconnect) => return Err("connection reset by the test".into()),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Closed) => return Ok(Response::new(whole(Bytes::new()))),
        Some(Fault::Status { code, message, .. }) => return Ok(refusal(*code, message)),
        Some(Fault::Lost) | None => {}
    }
    for own in [header::HOST, header::AUTHORIZATION] {
        parts.headers.remove(own);
    }
    let answer = client.send(Request::from_parts(parts, Body::from(body.to_vec()))).await?;
    match fault {
        None => Ok(answer.map(|body| body.map_err(BoxError::from).boxed_unsync())),
        Some(_) => {
            answer.into_body().collect().await?;
            Err("connection reset by the test".into())
        }
    }
}

fn refusal(code: u16, message: &str) -> Response<Answer> {
    let reason = match code {
        409 => "Conflict",
        429 => "TooManyRequests",
        504 => "Timeout",
        _ => "InternalError",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code,
    });
    let mut response = Response::new(whole(status.to_string().into()));
    *response.status_mut() = http::StatusCode::from_u16(code).expect("a code");
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn whole(bytes: Bytes) -> Answer {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}
