//! Code of the guides that is in no example of its own. A test compares all guides with what is
//! compiled.

// Handlers are async and take what they extract by value.
#![allow(missing_docs, clippy::needless_pass_by_value, clippy::unused_async)]

pub mod other_providers;
pub mod server_side;
pub mod step_up;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    /// The files below a folder whose names end so.
    fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path, extension));
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(path);
            }
        }
        found
    }

    /// The lines without their indentation.
    fn lines(text: &str) -> String {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_guides_show_what_is_compiled() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let sources = ["examples", "templates"].map(|folder| files(&root.join(folder), "rs"));
        let code: Vec<_> =
            sources.concat().iter().map(|file| lines(&fs::read_to_string(file).unwrap())).collect();
        let mut blocks = 0;
        for guide in files(&root.join("docs/guides"), "md") {
            let text = fs::read_to_string(&guide).unwrap();
            for block in text.split("```rust\n").skip(1) {
                let block = lines(block.split("```").next().unwrap());
                let is_compiled = code.iter().any(|file| file.contains(&block));
                assert!(is_compiled, "{}: in no example: {block}", guide.display());
                blocks += 1;
            }
        }
        assert!(blocks > 30, "{blocks}");
    }
}
