//! Connecting, and switching to another context.

use super::App;
use crate::{
    cluster::Cluster,
    release::{Driver, Storage},
    sandbox::Sandbox,
    tui::{
        effect::{Effect, Job, Live, Slot},
        event::ScreenEvent,
        screens::APP,
        tasks::Task,
    },
};

impl App {
    pub(super) fn connect(&mut self) -> Effect {
        self.shared.live = Live::Connecting;
        // Records that end with the program must not leave real objects behind.
        let task = match self.shared.driver {
            _ if self.options.sandbox => Task::Sandbox,
            Driver::Memory(_) => Task::Sandbox,
            _ => Task::Connect(Box::new(self.options.connect.clone())),
        };
        Effect::Run(Slot::of("connect"), task)
    }

    pub(super) fn connected(&mut self, cluster: Cluster, sandbox: Option<Sandbox>) -> Vec<Job> {
        self.sandbox = sandbox;
        self.shared.context = cluster.context().to_owned();
        self.shared.storage = Some(Storage::new(cluster, self.shared.driver.clone(), ""));
        let asked = self.ask();
        let mut jobs = self.carry_out(APP, asked);
        jobs.extend(self.tell_all(|| ScreenEvent::Opened));
        jobs
    }

    /// Asks the cluster for what every screen shows of it: its version and its namespaces.
    pub(super) fn ask(&self) -> Vec<Effect> {
        let Some(storage) = &self.shared.storage else {
            return Vec::new();
        };
        let cluster = storage.cluster();
        vec![
            Effect::Run(Slot::of("version"), Task::Version(cluster.clone())),
            Effect::Run(Slot::of("namespaces"), Task::Namespaces(cluster.clone())),
        ]
    }

    pub(super) fn use_context(&mut self, context: String) -> Vec<Job> {
        self.options.connect.context = Some(context.clone());
        self.options.connect.namespace = None;
        self.options.sandbox = false;
        self.shared.context = context;
        self.shared.namespace = String::new();
        (self.shared.storage, self.shared.version, self.shared.namespaces) = (None, None, None);
        self.shared.releases = 0;
        let effect = self.connect();
        let mut jobs = self.home();
        jobs.extend(self.carry_out(APP, vec![effect]));
        jobs
    }
}
