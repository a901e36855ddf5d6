// The beginnings of values, as JSON: by its marks one tells text from a number.

export function Values({ of }: { of: string[] | undefined }) {
  return (
    <>
      {(of ?? []).map((value, at) => (
        <span key={value} class="small wraps">
          {at > 0 && " · "}
          <bdi>{value}</bdi>
        </span>
      ))}
    </>
  );
}
