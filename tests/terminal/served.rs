//! A sandbox of the test's own, served over HTTP to the program in the pseudo-terminal, with releases as Helm writes them.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    process::{Command, Output},
};

use pilothouse::{
    cluster::{Cluster, apply::ServerSide},
    manifest::Object,
    release::{ApplyMethod, Driver, Hook, HookEvent, Release, Status, Storage},
    sandbox::Sandbox,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{PROGRAM, terminal::Terminal};

/// A served sandbox; it ends with this value.
pub struct Served {
    runtime: Runtime,
    pub sandbox: Sandbox,
    folder: TempDir,
}

impl Served {
    /// A cluster without releases.
    pub fn empty() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let sandbox = runtime.block_on(async { Sandbox::empty() });
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = runtime.block_on(sandbox.listen(anywhere));
        let served = Self { runtime, sandbox, folder: TempDir::new().expect("a folder") };
        served.write_kubeconfig(address.expect("a loopback port"));
        served
    }

    /// A cluster with one release, `web`, of one revision.
    pub fn with_release() -> Self {
        let served = Self::empty();
        served.add(release("web", 1, Status::Deployed));
        served
    }

    /// Names another server in the kubeconfig.
    pub fn write_kubeconfig(&self, address: SocketAddr) {
        fs::write(self.kubeconfig(), Sandbox::kubeconfig(address)).expect("a file");
    }

    /// Lets a shell script give the credentials, which may ask in the terminal.
    pub fn log_in_by(&self, script: &str) {
        let text = fs::read_to_string(self.kubeconfig()).expect("the kubeconfig");
        let mut kubeconfig: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Always",
            "command": "sh", "args": ["-c", script],
        });
        kubeconfig["users"][0]["user"] = serde_yaml::to_value(json!({ "exec": exec })).expect("YAML");
        fs::write(self.kubeconfig(), serde_yaml::to_string(&kubeconfig).expect("YAML")).expect("a file");
    }

    /// Where its kubeconfig is.
    pub fn kubeconfig(&self) -> String {
        self.path("kubeconfig")
    }

    /// Writes a record and applies its objects.
    pub fn add(&self, release: Release) {
        let storage = self.storage();
        self.runtime.block_on(async {
            let written = storage.create(&release, &BTreeMap::new()).await;
            written.expect("the sandbox takes a record");
            for line in release.manifest.lines().filter(|line| line.starts_with('{')) {
                apply(&storage, &release, line).await;
            }
        });
    }

    /// A client of the administrator.
    pub fn client(&self) -> kube::Client {
        let _inside = self.runtime.enter();
        self.sandbox.client()
    }

    fn storage(&self) -> Storage {
        let cluster = Cluster::from_client(self.client(), "sandbox", "default");
        Storage::new(cluster, Driver::Secrets, "default")
    }

    /// The status of every revision of a release.
    pub fn statuses(&self, name: &str) -> Vec<String> {
        let history = self.runtime.block_on(self.storage().history(name)).expect("its history");
        history.iter().map(|meta| meta.status.as_str().to_owned()).collect()
    }

    /// Waits for what something else brings about in the cluster.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The full-screen program on this cluster. It tells its process id first.
    pub fn open(&self, args: &str, size: (u16, u16)) -> Terminal {
        let kubeconfig = self.kubeconfig();
        let envs = [("KUBECONFIG", kubeconfig.as_str())];
        let script = format!("echo pid $$; exec {PROGRAM} {args}");
        Terminal::start("sh", &["-c", &script], &envs, size)
    }

    /// A shell's script with commands on this cluster.
    pub fn shell(&self, script: &str, envs: &[(&str, &str)], size: (u16, u16)) -> Terminal {
        let kubeconfig = self.kubeconfig();
        let envs = [&[("KUBECONFIG", kubeconfig.as_str())], envs].concat();
        Terminal::start("bash", &["-c", script], &envs, size)
    }

    /// A path for a file that ends with this value.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A headless command on this cluster.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(args).env("KUBECONFIG", self.kubeconfig());
        command.output().expect("the program starts")
    }
}

async fn apply(storage: &Storage, release: &Release, line: &str) {
    let mut object = Object::new(serde_json::from_str(line).expect("JSON"));
    let metadata = &mut object.value["metadata"];
    metadata["namespace"] = json!("default");
    metadata["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
    metadata["annotations"]["meta.helm.sh/release-name"] = json!(release.name);
    metadata["annotations"]["meta.helm.sh/release-namespace"] = json!("default");
    let target = storage.cluster().target(&object, "default").await.expect("a served kind");
    let options = ServerSide { force: true, dry_run: false };
    storage.cluster().apply(&target, &object, options).await.expect("the sandbox applies it");
}

/// A revision whose one Deployment runs an image with the revision's number.
pub fn release(name: &str, revision: u32, status: Status) -> Release {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": name, "image": format!("registry.example/{name}:{revision}")}]},
            },
        },
    });
    let mut release = Release {
        name: name.to_owned(),
        namespace: "default".to_owned(),
        revision,
        manifest: manifest(&[deployment]),
        apply_method: Some(ApplyMethod::ServerSide),
        ..Release::default()
    };
    release.info.status = status;
    release.info.description = format!("revision {revision}");
    release
}

/// A manifest, an object a line.
pub fn manifest(objects: &[Value]) -> String {
    let document = |object: &Value| format!("---\n# Source: web/templates/all.yaml\n{object}\n");
    objects.iter().map(document).collect()
}

/// A hook before a rollback that runs an image.
pub fn hook(image: &str) -> Hook {
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"},
        "spec": {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never",
            "containers": [{"name": "migrate", "image": format!("registry.example/{image}")}]}}},
    });
    Hook {
        name: "migrate".to_owned(),
        kind: "Job".to_owned(),
        path: "web/templates/hook.yaml".to_owned(),
        manifest: job.to_string(),
        events: vec![HookEvent::PreRollback],
        ..Hook::default()
    }
}
