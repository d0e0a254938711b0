//! What was looked at, how it is, and what to do about it.

use std::process::ExitCode;

use serde::Serialize;

use crate::print;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) is: String,
    /// What to do about it; nothing when it is well.
    pub(super) remedy: Option<&'static str>,
}

/// Prints them; fails when anything wants to be done.
pub(super) fn report(found: &[Finding], as_json: bool) -> anyhow::Result<ExitCode> {
    let well = found.iter().all(|finding| finding.remedy.is_none());
    if as_json {
        print::json(&found)?;
    } else {
        for Finding { what, is, remedy } in found {
            let mark = if remedy.is_some() { "!" } else { " " };
            print::line(&format!("{mark} {what}: {is}"))?;
            if let Some(remedy) = remedy {
                print::line(&format!("    {remedy}"))?;
            }
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
