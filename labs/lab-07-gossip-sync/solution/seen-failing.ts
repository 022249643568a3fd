/** What the clock of B says of the entries of A, in its last AntiEntropy. */
export const claimedByB: number = 3;

/** The seq of the entry of A that never comes to B. (Another one came, and waits for it.) */
export const lostSeq: number = 2;
