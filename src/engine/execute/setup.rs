//! What an install needs before its record: definitions, a namespace, a free name (helm/helm `pkg/action/install.go`).

use serde_json::json;

use super::{Error, Failure, Operation, Run};
use crate::{
    cluster::{self, ErrorKind, apply::ServerSide, read::Target},
    diff::Change,
    engine::{
        Crds,
        apply::server_side_words,
        definitions::await_served,
        objects::{as_sent, defined_kinds, unmapped},
        prepare::file_name,
        progress::Progress,
    },
    manifest::Object,
    release::{ApplyMethod, Release, Status},
};

impl Run<'_> {
    /// Creates definitions and the namespace, and frees the name of a release that is replaced.
    pub(super) async fn set_up(&self) -> Result<(), Error> {
        let prepared = self.prepared;
        if prepared.operation != Operation::Install {
            return Ok(());
        }
        if prepared.options.crds != Crds::Apply {
            self.define().await?;
        }
        if prepared.options.create_namespace {
            self.create_namespace().await?;
        }
        match &prepared.newest {
            Some(newest) if newest.status != Status::Failed => {
                let mut replaced = Release::clone(&*self.storage.decode(newest).await?);
                replaced.info.status = Status::Superseded;
                "superseded by new release".clone_into(&mut replaced.info.description);
                self.storage.update(newest, &replaced).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Applies the definitions where that is asked for, and waits until their kinds are served.
    pub(super) async fn redefine(&self) -> Result<(), Failure> {
        let prepared = self.prepared;
        if prepared.options.crds != Crds::Apply || prepared.definitions.is_empty() {
            return Ok(());
        }
        let early = |error| Failure::early(prepared, error);
        let mut defined = Vec::new();
        for (path, objects) in &prepared.definitions {
            for object in objects {
                defined.push(self.applier().define(path, object).await.map_err(early)?);
            }
        }
        let kinds = defined_kinds(prepared.defined());
        await_served(self.storage.cluster(), &defined, &kinds, self.cancel).await.map_err(early)
    }

    async fn define(&self) -> Result<(), Error> {
        let mut made = Vec::new();
        for (path, objects) in &self.prepared.definitions {
            let failed = |error: cluster::Error| {
                let message = format!("failed to install CRD {}: {}", file_name(path), error.message);
                cluster::Error { message, ..error }
            };
            for object in objects {
                made.extend(self.make(object, self.prepared.options.force_conflicts).await.map_err(failed)?);
            }
        }
        if made.is_empty() {
            return Ok(());
        }
        let kinds = defined_kinds(self.prepared.defined());
        await_served(self.storage.cluster(), &made, &kinds, self.cancel).await?;
        Ok(())
    }

    async fn create_namespace(&self) -> Result<(), Error> {
        let name = &self.prepared.namespace;
        let namespace = Object::new(json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": name, "labels": { "name": name } },
            "spec": {},
            "status": {},
        }));
        self.make(&namespace, false).await?;
        Ok(())
    }

    /// Creates an object, or applies it server-side. `None` where it exists already and was left as it is.
    async fn make(&self, object: &Object, force: bool) -> Result<Option<Target>, cluster::Error> {
        let cluster = self.storage.cluster();
        let target = cluster.target(object, &self.prepared.namespace).await;
        let target = target.map_err(|error| unmapped(object, error))?;
        let sent = as_sent(object, &target);
        let made = if self.prepared.method == ApplyMethod::ServerSide {
            let applied = cluster.apply(&target, &sent, ServerSide { force, dry_run: false }).await;
            applied.map_err(|error| server_side_words(&target, error))
        } else {
            cluster.create(&target, &sent, false).await
        };
        match made {
            Err(error) if error.kind == ErrorKind::AlreadyExists => Ok(None),
            made => {
                made?;
                (self.report)(Progress::Object(target.key.clone(), Change::Create));
                Ok(Some(target))
            }
        }
    }
}
