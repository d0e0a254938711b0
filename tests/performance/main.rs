//! `just performance`: what the log and what stands on it cost, engine beside engine, with a bare publisher and a bare consumer of
//! the same servers and a probe of the disk in the same run, as tables.
//!
//! Every round measures each of them once, in another order, so that whatever else the machine does meets all of them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is its tables")]

mod bed;
mod figures;
mod phases;

use std::{env, process::ExitCode};

/// How many records each log gets at the end. Default 1,000,000.
const RECORDS: &str = "ZHOLDARY_PERFORMANCE_RECORDS";

#[tokio::main]
async fn main() -> ExitCode {
    let records = match env::var(RECORDS).map(|records| records.parse::<u64>()) {
        Ok(Ok(records)) if records >= 20_000 => records,
        Err(_) => 1_000_000,
        Ok(_) => {
            eprintln!("{RECORDS} is how many records each log gets: a number of at least 20000");
            return ExitCode::FAILURE;
        }
    };
    let mut beds = bed::all().await;
    phases::append(&mut beds, records).await;
    phases::read(&beds).await;
    phases::build(&beds).await;
    phases::take_over(&beds).await;
    phases::servers(&beds);
    ExitCode::SUCCESS
}
