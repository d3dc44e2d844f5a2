//! One real control plane per test binary: etcd, kube-apiserver, controllers, scheduler, kwok, and real Helm beside it.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use pilothouse::cluster::{Cluster, ConnectOptions};

/// A running control plane. `boot.sh` ends it when this process does, however that happens: its standard input closes.
pub struct Plane {
    bin: PathBuf,
    kubeconfig: PathBuf,
    _boot: Child,
}

/// What a program printed and how it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// The control plane of this test binary, started by whoever asks first.
pub fn plane() -> &'static Plane {
    static PLANE: OnceLock<Plane> = OnceLock::new();
    PLANE.get_or_init(Plane::boot)
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster")
}

/// The folder of a chart of our own, as an argument.
pub fn chart(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts").join(name).display().to_string()
}

/// These objects as values of the chart `raw`, for `--set-json`.
pub fn raw(objects: &[serde_json::Value]) -> String {
    let text: Vec<String> = objects.iter().map(serde_json::Value::to_string).collect();
    format!("raw={}", serde_json::json!(text.join("\n---\n")))
}

/// Free loopback ports. All are held until the last is known, so they differ.
pub fn free_ports<const N: usize>() -> [String; N] {
    let held: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free loopback port"));
    held.map(|listener| listener.local_addr().expect("a bound listener has an address").port().to_string())
}

impl Plane {
    fn boot() -> Self {
        let built = run(Command::new("bash").arg(here().join("build.sh")));
        assert_eq!(built.code, 0, "building the control plane failed:\n{}", built.stderr);
        let bin = PathBuf::from(built.stdout.trim());
        let mut boot = Command::new("bash")
            .arg(here().join("boot.sh"))
            .arg(&bin)
            .args(free_ports::<4>())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let mut line = String::new();
        BufReader::new(boot.stdout.take().expect("piped")).read_line(&mut line).expect("boot.sh prints a line");
        assert!(!line.trim().is_empty(), "the control plane did not come up; boot.sh says why above");
        Self { bin, kubeconfig: PathBuf::from(line.trim()), _boot: boot }
    }

    /// The kubeconfig: context `test` is the admin, `walker`, `reader` and `mute` are the restricted users of `cluster.yaml`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A namespace nobody else uses, made now.
    pub fn namespace(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.kubectl(&["create", "namespace", &name]);
        name
    }

    /// A connection as one of the users of the kubeconfig's contexts.
    pub async fn cluster(&self, context: &str, namespace: &str) -> Cluster {
        let options = ConnectOptions {
            kubeconfig: vec![self.kubeconfig.clone()],
            context: Some(context.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ConnectOptions::default()
        };
        Cluster::connect(&options).await.expect("the test kubeconfig is right")
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("TZ", "UTC")
            .env_remove("HELM_NAMESPACE")
            .env_remove("HELM_DRIVER");
        command
    }

    /// Real Helm, whatever comes of it.
    pub fn try_helm(&self, args: &[&str]) -> Ran {
        self.try_helm_with(&[], args)
    }

    /// Real Helm with more variables in its environment, whatever comes of it.
    pub fn try_helm_with(&self, vars: &[(&str, &str)], args: &[&str]) -> Ran {
        run(self.command(self.bin.join("helm")).envs(vars.iter().copied()).args(args))
    }

    /// Real Helm, which must succeed; its standard output.
    #[track_caller]
    pub fn helm(&self, args: &[&str]) -> String {
        succeed("helm", args, self.try_helm(args))
    }

    /// Real kubectl, whatever comes of it.
    pub fn try_kubectl(&self, args: &[&str]) -> Ran {
        run(self.command(self.bin.join("kubectl")).args(args))
    }

    /// Real kubectl, which must succeed; its standard output.
    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> String {
        succeed("kubectl", args, self.try_kubectl(args))
    }

    /// Where real Helm is, for measuring it.
    pub fn helm_path(&self) -> PathBuf {
        self.bin.join("helm")
    }

    /// Where kubectl is, for shell scripts.
    pub fn kubectl_path(&self) -> PathBuf {
        self.bin.join("kubectl")
    }

    /// A shell script with the cluster's environment, which must succeed; its standard output.
    #[track_caller]
    pub fn shell(&self, script: &str) -> String {
        succeed("bash", &["-c", script], run(self.command("bash").args(["-c", script])))
    }

    /// A live object as JSON; `Null` when it does not exist.
    #[track_caller]
    pub fn object(&self, namespace: &str, what: &str) -> serde_json::Value {
        let text =
            self.kubectl(&["get", what, "-n", namespace, "-o", "json", "--ignore-not-found", "--show-managed-fields"]);
        if text.is_empty() {
            serde_json::Value::Null
        } else {
            serde_json::from_str(&text).expect("kubectl prints JSON")
        }
    }

    /// Waits until a condition holds that something else brings about; fails after a minute.
    #[track_caller]
    pub fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            std::thread::yield_now();
        }
    }

    /// Our own program, whatever comes of it.
    pub fn try_pilothouse(&self, args: &[&str]) -> Ran {
        self.try_pilothouse_with(&[], args)
    }

    /// Our own program with more variables in its environment, whatever comes of it.
    pub fn try_pilothouse_with(&self, vars: &[(&str, &str)], args: &[&str]) -> Ran {
        run(self.command(env!("CARGO_BIN_EXE_pilothouse")).envs(vars.iter().copied()).args(args))
    }

    /// Our own program, which must succeed; its standard output.
    #[track_caller]
    pub fn pilothouse(&self, args: &[&str]) -> String {
        succeed("pilothouse", args, self.try_pilothouse(args))
    }
}

fn run(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    Ran {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// The standard output of a program that must have succeeded.
#[track_caller]
pub fn succeed(program: &str, args: &[&str], ran: Ran) -> String {
    assert_eq!(ran.code, 0, "{program} {args:?} failed:\n{}{}", ran.stdout, ran.stderr);
    ran.stdout
}
