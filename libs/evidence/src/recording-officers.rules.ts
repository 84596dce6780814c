/** What is held of a recording about who made it. */
export interface OfficerOnRecord {
  readonly officerBadge: string | null;
  readonly officerId: string | null;
}

/**
 * Whether the recording names another person than the one whom the register of cameras now names for that camera and time. What the dock
 * signed stands; that the two disagree is for people to see. Where one of them says nothing there is no disagreement.
 */
export function officerDiffers(
  recording: OfficerOnRecord,
  assigned: { readonly id: string; readonly badge: string | null } | null,
): boolean {
  if (assigned === null) return false;
  const namesAnotherBadge = recording.officerBadge !== null && recording.officerBadge !== assigned.badge;
  const namesAnotherPerson = recording.officerId !== null && recording.officerId !== assigned.id;
  return namesAnotherBadge || namesAnotherPerson;
}
