//! Start to first answer: with everything to be made, and as usual.

use std::path::Path;

use crate::{Failure, server::Folder};

pub async fn run(binary: &Path) -> Result<(), Failure> {
    let folder = Folder::new(binary)?;
    let (server, first) = folder.start_timed(&[]).await?;
    server.stop()?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let (server, time) = folder.start_timed(&[]).await?;
        server.stop()?;
        times.push(time);
    }
    times.sort();
    println!("\nStart to first answer");
    println!("  first start, keys made          {:>9} ms", first.as_millis());
    println!("  every other (median of 5)       {:>9} ms", times[2].as_millis());
    Ok(())
}
