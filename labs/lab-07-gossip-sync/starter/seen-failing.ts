// Part 4, step "seen": run `npx -y pnpm@12 labs demo`, look at what happens to B, and write down two numbers.

/** What the clock of B says of the entries of A, in its last AntiEntropy. */
export const claimedByB: number = 0;

/** The seq of the entry of A that never comes to B. (Another one came, and waits for it.) */
export const lostSeq: number = 0;
