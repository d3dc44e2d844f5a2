//! Running hooks: order, delete policies, output-log policies, deadlines (helm/helm `pkg/action/hooks.go`).
