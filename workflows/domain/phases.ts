/** Values of the search attribute CertPhase: frozen, dashboards and scripts ask for them. */
export type Phase = 'Deciding' | 'Waiting' | 'Issuing' | 'Blocked' | 'BackingOff' | 'Paused' | 'Deleting'
