//! A PostgreSQL for tests that are not in Rust. It prints the URI of an empty database, and ends
//! with its standard input.

use std::io;

use test_postgres::TestPostgres;

fn main() -> io::Result<()> {
    let postgres = TestPostgres::start();
    println!("{}", postgres.new_database());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
