//! A small disk that can be full.

use std::path::{Path, PathBuf};

use crate::real::{as_root, out, root_command};

const BYTES: usize = 8 << 20;

/// A disk of 8 MiB, until it is dropped.
pub(crate) struct Disk(PathBuf);

impl Disk {
    pub(crate) fn start(name: &str) -> Self {
        let folder = out(name);
        std::fs::create_dir_all(&folder).unwrap();
        as_root(&["mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "tmpfs", folder.to_str().unwrap()]);
        Self(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn fill(&self) {
        // The write fails when the disk is full, as intended.
        let _ = std::fs::write(self.0.join("filler"), vec![1; BYTES]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process that ends may still have a file of it open.
        drop(root_command(&["umount", "--lazy", self.0.to_str().unwrap()]).status());
    }
}
