//! The page `docs/commands.md`: what `--help` says, command by command. It is made from the definitions of the command line, so what
//! it says is what is asked for at a terminal. `just commands` writes it anew.

use std::{fmt::Write as _, fs, path::Path};

use clap::{Command, CommandFactory};

use super::Cli;

/// Set, it makes the test write the page instead of comparing it.
const REWRITE: &str = "ZHOLDARY_WRITE_COMMANDS";

/// Columns of a line, whatever the terminal.
const WIDTH: usize = 100;

const BEGINNING: &str = "# Commands

<!-- Made from `zholdary --help` by `just commands`; a test fails when it is not what the binary says. Do not edit. -->

Every command exits non-zero when it fails, prints its result to standard output and everything else to standard error. `zholdary …`
stands for `cargo run --release -- …` in a checkout.
";

/// Lines end at the same column everywhere, and no value of somebody's environment is shown.
fn plain(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let command = command.term_width(WIDTH).mut_args(|arg| arg.hide_env_values(true));
    names.iter().fold(command, |command, name| command.mut_subcommand(name, plain))
}

/// What the command prints when it is asked for `--help`: a short list where nothing wants more words, as clap chooses.
fn help(path: &str) -> String {
    let asked = path.split(' ').chain(["--help"]);
    let told = plain(Cli::command()).try_get_matches_from(asked).expect_err("help is no match");
    let lines: Vec<String> = told.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

fn section(page: &mut String, command: &Command, above: &str) {
    let path = format!("{above} {}", command.get_name()).trim().to_owned();
    let marks = if path.split(' ').count() > 2 { "###" } else { "##" };
    let _ = write!(page, "\n{marks} {path}\n\n```text\n{}\n```\n", help(&path));
    for command in command.get_subcommands() {
        section(page, command, &path);
    }
}

fn page() -> String {
    let mut page = BEGINNING.to_owned();
    section(&mut page, &Cli::command(), "");
    page
}

#[test]
fn the_page_of_commands_is_what_the_binary_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    if std::env::var_os(REWRITE).is_some() {
        fs::write(&file, page()).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page(),
        "docs/commands.md is not what the commands say: `just commands` writes it anew"
    );
}
