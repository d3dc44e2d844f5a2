//! What only a real control plane can prove. Run by `.ci/run` as `cargo test --test cluster`; needs Go for
//! the programs that `build.sh` builds once, openssl, and PostgreSQL.

mod again;
mod apply;
mod changes;
mod charts;
mod cli;
#[path = "../support/corpus.rs"]
mod corpus;
mod doctor;
mod failing;
mod flags;
mod incident;
mod lost;
mod operations;
mod plane;
mod plans;
mod preview;
mod public_charts;
mod reads;
mod records;
mod recreate;
mod rollback;
mod sandbox;
mod scenarios;
mod smoke;
mod sql;
mod stories;
#[path = "../support/terminal.rs"]
mod terminal;
mod trouble;
