//! Installs the embedding model: `install SOURCE DIR`, the source being the wheel or a folder.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, dir] = arguments.as_slice() else { return Err("usage: install SOURCE DIR".into()) };
    retrieval::install_model(Path::new(source), Path::new(dir))?;
    println!("installed into {dir}");
    Ok(())
}
