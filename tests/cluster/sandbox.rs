//! Real Helm and kubectl on the served sandbox: what they send, it must understand.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use pilothouse::sandbox::Sandbox;

use crate::plane::plane;

/// Runs a program on the sandbox; it must succeed. Its standard output.
#[track_caller]
fn check(program: PathBuf, kubeconfig: &Path, args: &str) -> String {
    let mut command = Command::new(program);
    command.args(args.split(' ')).env("KUBECONFIG", kubeconfig).env("KUBE_EDITOR", "sed -i s/nginx:1.27/nginx:1.28/");
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_and_kubectl_work_on_the_served_sandbox() {
    let sandbox = Sandbox::with_examples().await;
    let address = sandbox.listen(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let folder = tempfile::tempdir().expect("a folder");
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, Sandbox::kubeconfig(address)).expect("a kubeconfig");
    let object = folder.path().join("object.yaml");
    std::fs::write(&object, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: mine\ndata:\n  a: b\n")
        .expect("a file");
    let helm = |args: &str| check(plane().helm_path(), &kubeconfig, args);
    let kubectl = |args: &str| check(plane().kubectl_path(), &kubeconfig, args);

    assert!(helm("list -A").contains("checkout-4.1.0"));
    assert!(helm("history checkout -n payments").contains("Rollback to 2"));
    assert!(helm("get manifest checkout -n payments").contains("kind: Deployment"));
    for (release, method) in
        [("checkout -n payments", "--server-side=false"), ("vault-agent -n vault", "--server-side=true")]
    {
        helm(&format!("rollback {release} 1 {method} --wait"));
        let history = helm(&format!("history {release} -o json"));
        let history: serde_json::Value = serde_json::from_str(&history).expect("JSON");
        let last = history.as_array().and_then(|list| list.last()).expect("a revision");
        assert_eq!((&last["status"], &last["description"]), (&"deployed".into(), &"Rollback to 1".into()), "{release}");
        assert!(helm(&format!("status {release}")).contains("STATUS: deployed"));
    }

    kubectl("scale deployment/checkout -n payments --replicas=2");
    kubectl("set image deployment/checkout -n payments *=nginx:1.27");
    kubectl("rollout status deployment/checkout -n payments --timeout=60s");
    assert_eq!(
        kubectl("get deployment checkout -n payments -o jsonpath={.spec.replicas}/{.status.readyReplicas}"),
        "2/2"
    );
    kubectl("edit deployment/checkout -n payments");
    assert!(kubectl("get deployment checkout -n payments -o yaml").contains("image: nginx:1.28"));
    assert!(kubectl("describe deployment/checkout -n payments").contains("ScalingReplicaSet"));
    assert!(kubectl("get events -n payments").contains("checkout"));
    assert!(!kubectl("logs deployment/checkout -n payments").is_empty());
    for way in ["", " --server-side --force-conflicts"] {
        kubectl(&format!("apply{way} -n payments -f {}", object.display()));
    }
    kubectl("delete configmap/mine -n payments");
    assert_eq!(kubectl("auth can-i delete secrets -n payments"), "yes\n");
}
