//! The same API over plain HTTP/1.1.

use std::{net::SocketAddr, sync::Arc};

use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::{TcpListener, TcpStream};

use super::{Shared, api::Api};

/// Serves until the sandbox is dropped.
pub(super) async fn listen(shared: Arc<Shared>, address: SocketAddr) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    tokio::spawn(accept(shared, listener));
    Ok(bound)
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let stop = shared.stop.clone();
    let serve = async {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => drop(tokio::spawn(connected(shared.clone(), connection))),
                Err(error) => {
                    tracing::warn!(%error, "the sandbox cannot accept connections any more");
                    return;
                }
            }
        }
    };
    stop.run_until_cancelled(serve).await;
}

async fn connected(shared: Arc<Shared>, connection: TcpStream) {
    let stop = shared.stop.clone();
    let service = TowerToHyperService::new(Api::new(shared, "admin"));
    let serve = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service);
    if let Some(Err(error)) = stop.run_until_cancelled(serve).await {
        tracing::debug!(%error, "a connection to the sandbox ended");
    }
}

/// A kubeconfig with one context, `sandbox`.
pub(super) fn kubeconfig(address: SocketAddr) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: sandbox\n  cluster:\n    server: http://{address}\n\
         users:\n- name: admin\n  user: {{}}\n\
         contexts:\n- name: sandbox\n  context:\n    cluster: sandbox\n    user: admin\n    namespace: default\n\
         current-context: sandbox\n"
    )
}
