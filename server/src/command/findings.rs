//! What a command that looks for problems has found.

use serde_json::{Value, json};

use super::CommandError;
use crate::output::print;

/// What was looked at: `Ok` with a remark, or what is wrong and what to do.
pub type Finding<Name = &'static str> = (Name, Result<String, String>);

/// The findings as JSON.
pub fn as_json<Name: AsRef<str>>(findings: &[Finding<Name>]) -> Value {
    let object = |(check, finding): &Finding<Name>| {
        let text = finding.as_ref().unwrap_or_else(|problem| problem);
        json!({"check": check.as_ref(), "ok": finding.is_ok(), "text": text})
    };
    findings.iter().map(object).collect()
}

/// Prints a line for each finding.
pub fn print_lines<Name: AsRef<str>>(findings: &[Finding<Name>]) {
    for (check, finding) in findings {
        let check = check.as_ref();
        print(&match finding {
            Ok(remark) => format!("ok       {check}: {remark}\n"),
            Err(problem) => format!("PROBLEM  {check}: {problem}\n"),
        });
    }
}

/// What is odd and stops nothing, as JSON.
pub fn warning_as_json(check: &str, text: &str) -> Value {
    json!({"check": check, "ok": true, "warning": true, "text": text})
}

/// Prints a line for what is odd and stops nothing.
pub fn print_warning(check: &str, text: &str) {
    print(&format!("WARNING  {check}: {text}\n"));
}

/// The end of the command: an error if there are problems.
pub fn outcome<Name>(findings: &[Finding<Name>]) -> Result<(), CommandError> {
    match findings.iter().filter(|(_, finding)| finding.is_err()).count() {
        0 => Ok(()),
        problems => Err(CommandError::Missing(format!("problems found: {problems}"))),
    }
}
