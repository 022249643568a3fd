/** What the clock of B says of the entries of A, in its last AntiEntropy. */
export const claimedByB: number = 3;

/** The seq of the entry of A that B never gets. */
export const lostSeq: number = 2;
