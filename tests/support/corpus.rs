//! Where the corpus of public charts is.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Beside the repository, or where `PILOTHOUSE_CORPUS` says.
pub fn corpus() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = env::var_os("PILOTHOUSE_CORPUS").map_or(beside, PathBuf::from);
    assert!(corpus.join("cases.json").is_file(), "no corpus at {}: set PILOTHOUSE_CORPUS", corpus.display());
    corpus
}
