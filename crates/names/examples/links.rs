//! Prints how two names are compared: `links A B`, or pairs `a TAB b` on standard input.

use mithaq_names::{FEATURE_NAMES, Name, Scorer};

fn main() {
    let mut args = std::env::args().skip(1);
    let show = |a: &str, b: &str| {
        let (x, y) = (Name::parse(a), Name::parse(b));
        let scorer = Scorer::new();
        println!("{a} | {b}: {:.3} ({:.2} bits)", scorer.score(&x, &y).probability, scorer.score(&x, &y).bits);
        println!("{}", mithaq_names::debug_links(&x, &y));
        for (name, value) in FEATURE_NAMES.iter().zip(scorer.features(&x, &y)) {
            if value != 0.0 {
                print!("{name}={value:.2} ");
            }
        }
        println!("\n");
    };
    if let (Some(a), Some(b)) = (args.next(), args.next()) {
        show(&a, &b);
        return;
    }
    for line in std::io::stdin().lines().map_while(Result::ok) {
        if let Some((a, b)) = line.split_once('\t') {
            show(a, b);
        }
    }
}
